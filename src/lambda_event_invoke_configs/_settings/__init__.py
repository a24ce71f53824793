"""The settings: what a client is told, and by whom.

Theory of operation. `resolve.resolve()` runs once, in the client's constructor.

1. Each setting is looked up in the same order: explicit argument, environment, profile, default (`resolve`).
2. The result, `Settings`, has no open questions. No other code reads the environment or the config files for
   a setting.
3. Values are checked where they come in: `config.Config` checks its own, `endpoint` checks regions and URLs,
   since both become the host that signed requests are sent to.
4. Credentials are different: whose they are is settled here (`identity`), but finding them may do I/O and
   wait, so the first request does it, once for all clients of one identity (`credentials`).
5. What botocore logs and raises meanwhile may hold secrets, and is redacted (`redaction`).

This wing must not know: requests, responses, retries in progress, httpx. It reads files, through botocore's
config loader and credential chain, and does no other I/O.
"""
