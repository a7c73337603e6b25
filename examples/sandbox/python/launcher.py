"""Runs MiniStack 1.5.33 as the sandbox's AWS, with the rules of AWS that it lacks.

Protocol with the parent process (emulator.rs): one line with the port on standard output; the
server ends when standard input does, so it never outlives its parent. The log goes to standard
error. Only the loopback interface is bound.
"""

import asyncio
import logging
import os
import socket
import sys
import threading


def _watch_parent():
    """Ends the process when the parent's end of the pipe is gone, however the parent ended."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def _environment(port):
    """MiniStack reads its settings from the environment at import."""
    # A configured AWS_ACCESS_KEY_ID would be one more root key.
    for name in [n for n in os.environ if n.startswith(("AWS_", "MINISTACK_"))]:
        del os.environ[name]
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="localhost",
        SERVICES="s3,kms,iam,sts,ssm,events,sqs,organizations",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        PERSIST_STATE="0",
        S3_PERSIST="0",
        MINISTACK_WORKER_THREADS="8",
        LOG_LEVEL=os.environ.get("SANDBOX_LOG_LEVEL", "WARNING"),
    )


def main():
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    port = listener.getsockname()[1]
    _environment(port)
    threading.Thread(target=_watch_parent, daemon=True).start()

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    import rules_access
    import rules_answers
    import rules_documents
    import rules_doors
    import rules_inventory
    import rules_listing

    app._docker_socket_present = lambda: False
    rules_documents.install()
    rules_answers.install()
    # Before paging, which cuts what it adds.
    rules_inventory.install()
    rules_doors.install()
    rules_listing.install()
    rules_access.install()

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 300
    config.loglevel = os.environ["LOG_LEVEL"]
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)

    print(port, flush=True)
    os.dup2(2, 1)
    asyncio.run(serve(app.app, config))


if __name__ == "__main__":
    sys.exit(main())
