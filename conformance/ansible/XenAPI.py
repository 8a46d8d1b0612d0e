"""The module XenAPI that Ansible imports: Debian's copy, with a local transport that Python 3 can call.

The packaged xapi_local() overrides a method of xmlrpc.client with the signature of Python 2, and its path is fixed.
XAPI_SOCKET names the socket to speak to.
"""

import http.client
import os
import socket
import xmlrpc.client

from os_xenapi.client.XenAPI import *  # noqa: F401,F403
from os_xenapi.client.XenAPI import Session


class LocalConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(os.environ.get("XAPI_SOCKET", "/var/lib/xcp/xapi"))


class LocalTransport(xmlrpc.client.Transport):
    def make_connection(self, host):
        return LocalConnection(host)


def xapi_local():
    return Session("http://localhost/", transport=LocalTransport())
