"""The settings of a client, from arguments, environment, profile and defaults.

Theory of operation. `resolve.resolve()` runs once, in the client's constructor.

1. Each setting is looked up in the same order: explicit argument, environment, profile, default (`resolve`).
2. The result, `Settings`, is complete. No other code reads settings from the environment or the config files.
3. Values are validated at the entry point: `config.Config` validates its members, and `endpoint` validates
   regions and URLs, because both become the host that signed requests are sent to.
4. Credentials are different. The constructor fixes the identity (`identity`). Loading the credentials may
   perform I/O and wait, so the first request does it, once for all clients with the same identity
   (`credentials`).
5. botocore's logs and exceptions may contain secrets, which are redacted (`redaction`).

This package must not depend on requests, responses, retries in progress or httpx. It reads files, through
botocore's config loader and credential chain, and performs no other I/O.
"""
