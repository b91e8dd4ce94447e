"""Where the API server is and who we are there: KUBECONFIG, else the pod's own ServiceAccount."""

import os
import ssl
from pathlib import Path

import aiohttp
import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from nessus_operator.clients.errors import Rejected

_CONNECTIONS = 64
_LINE_BYTES = 4 * 1024 * 1024  # a watch line holds one whole object, at most 1.5 MiB as stored


async def load_configuration() -> Configuration:
    """The API server's address and our credentials; raises Rejected with what to correct."""
    configuration = Configuration()
    kubeconfig = _kubeconfig()
    try:
        if kubeconfig:
            await load_kube_config(kubeconfig, client_configuration=configuration)
        else:
            load_incluster_config(client_configuration=configuration)
    except ConfigException as error:
        where = f"KUBECONFIG {kubeconfig} cannot be used" if kubeconfig else "no cluster found"
        hint = "" if kubeconfig else "; set KUBECONFIG or run inside a pod"
        raise Rejected(f"{where}: {str(error).rstrip('.')}{hint}") from error
    except (OSError, ValueError) as error:
        raise Rejected(f"KUBECONFIG {kubeconfig} cannot be read: {error}") from error
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        # Their text may quote the file, secrets and all.
        raise Rejected(f"KUBECONFIG {kubeconfig} is not the YAML of a kubeconfig") from error
    return configuration


def _kubeconfig() -> str | None:
    path = os.environ.get("KUBECONFIG")
    if path and not Path(path).is_file():
        raise Rejected(f"KUBECONFIG names {path}, which does not exist")
    return path


def open_session(configuration: Configuration) -> aiohttp.ClientSession:
    """A session that is logged in; the token is read again when it was rotated."""

    async def authorize(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        token = await configuration.get_api_key_with_prefix("BearerToken")
        if token:
            request.headers["Authorization"] = token
        return await handler(request)

    return aiohttp.ClientSession(
        base_url=f"{configuration.host.rstrip('/')}/",
        connector=aiohttp.TCPConnector(ssl=_tls(configuration), limit=_CONNECTIONS),
        middlewares=(authorize,),
        read_bufsize=_LINE_BYTES,
        trust_env=False,
    )


def _tls(configuration: Configuration) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
