"""The command `lambda-event-invoke-configs`, with the options, exit codes and output formats of the AWS CLI.

    main          runs it, for one function or many
    arguments     its options, and which of them cannot be combined
    output        the output formats of one function, and the AWS CLI's settings for them
    many          many functions: names, progress line, summary, refused credentials
    output_file   the lines of many functions, and the file of them that continues a run
    exit_status   error messages and exit codes
    terminal      escaping of untrusted text, color, width, log records

It uses the sync client as any other program does, and does not change its calls. Modules that take
long to load are imported when they are needed: `--help` loads neither httpx nor botocore.
"""
