"""A view in OpenSearch."""

from __future__ import annotations

import logging
import os
from typing import Final

import boto3
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection

from qldbkit.replay.views.opensearch.cluster import Cluster, ExactSerializer
from qldbkit.replay.views.opensearch.destination import OpenSearchView
from qldbkit.replay.views.opensearch.url import PASSWORD_VARIABLE, ViewAddress

REQUEST_SECONDS: Final = 30.0
"""After which a request counts as not answered; what it was to do may still be done."""

# The client logs each answer that is no success, such as that nothing is there yet, and for those
# who debug it what it sends, which are documents. What matters is raised.
for _name in ("opensearch", "opensearchpy.trace"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def open_url(url: str, region: str) -> OpenSearchView:
    """The view at a URL; see `qldbkit.replay.views.opensearch.url`.

    Raises:
        ViewUrlError: something in the URL is missing, or not known.
        ViewNameError: the view cannot be called so.
    """
    address = ViewAddress.of(url)
    client = _client(address, region)
    return OpenSearchView(
        Cluster(client.transport), address.view, layout=address.layout, close=client.close
    )


def _client(address: ViewAddress, region: str) -> OpenSearch:
    """The client, which tries nothing twice: what may be done again is known here only."""
    return OpenSearch(
        hosts=[{"host": address.host, "port": address.port}],
        http_auth=_authentication(address, region),
        use_ssl=address.encrypted,
        verify_certs=address.encrypted,
        ca_certs=address.ca,
        http_compress=True,
        connection_class=Urllib3HttpConnection,
        serializer=ExactSerializer(),
        timeout=REQUEST_SECONDS,
        max_retries=0,
        retry_on_timeout=False,
    )


def _authentication(address: ViewAddress, region: str) -> object:
    if address.signed:
        return Urllib3AWSV4SignerAuth(boto3.Session().get_credentials(), region, "es")
    if address.user:
        return (address.user, os.environ.get(PASSWORD_VARIABLE, ""))
    return None
