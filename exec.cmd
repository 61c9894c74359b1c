@rem Windows has no exec, with which the scripts of package.json take the place of the shell that npm starts them in.
@%*
