"""The command `lambda-event-invoke-configs`, with the options, exit codes and output formats of the AWS CLI.

    main          runs it: one function, or many
    arguments     its options, and which of them exclude each other
    settings      the AWS CLI's settings for output, from the environment and the profile
    output        its formats
    table         the format `table`
    many          a line of JSON for each function and region
    lines         these lines: how one is written, and how one is recognized
    output_file   a file of these lines, which continues a run that was killed
    progress      the progress line and the summary of many functions
    terminal      escaping of untrusted text, color, width, log records
    exit_status   what it prints about a failure, and its exit code

It uses the sync client as any program would, and adds no behaviour of its own to a call. Modules that take
long to load are imported when they are needed: `--help` loads neither httpx nor botocore.
"""
