/** Region and credentials of SDK clients for embedded services, from the variables by which these are found. */
export const sdkSettings = (sdkEnvironment: Readonly<Record<string, string>>) => ({
  region: sdkEnvironment.AWS_REGION!,
  credentials: {
    accessKeyId: sdkEnvironment.AWS_ACCESS_KEY_ID!,
    secretAccessKey: sdkEnvironment.AWS_SECRET_ACCESS_KEY!,
  },
});
