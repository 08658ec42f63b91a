"""`python -m trialsite.stack.health`: status 0 if the web server in this container can serve."""

import http.client
import os


def main() -> int:
    # Asked from inside, in clear, with the name and the scheme that the reverse proxy would state.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": host, "X-Forwarded-Proto": "https"})
        return 0 if connection.getresponse().status == 200 else 1
    except OSError:
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
