# SPDX-License-Identifier: Apache-2.0
"""TLS ports: one that is right, and one for each way a handshake can go wrong.  The
certificates are made by the openssl program when the upstream starts."""
import asyncio
import os
import ssl
import subprocess
import warnings

from . import tcp_ports

NAMES = "DNS:localhost,DNS:good.test,DNS:*.good.test,IP:127.0.0.1,IP:::1"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
EXPIRED = ("-days", "0")  # OpenSSL 3.5 refuses less; it ends the second it is made


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", *KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                     "-days", "30", "-subj", f"/CN=test authority {name}",
                     "-addext", "keyUsage=critical,keyCertSign")

    def openssl(self, *arguments):
        subprocess.run(("openssl", *arguments), cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def issue(self, leaf, names=NAMES, valid=("-days", "30"), usage="serverAuth"):
        self.openssl("req", *KEY, "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr",
                     "-subj", f"/CN={leaf}")
        with open(os.path.join(self.folder, f"{leaf}.ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        self.openssl("x509", "-req", "-in", f"{leaf}.csr", "-CA", f"{self.name}.pem",
                     "-CAkey", f"{self.name}.key", "-CAcreateserial", *valid,
                     "-extfile", f"{leaf}.ext", "-out", f"{leaf}.pem")


def make_certificates(folder):
    trusted, other = Authority(folder, "ca"), Authority(folder, "other-ca")
    trusted.issue("good")
    trusted.issue("expired", valid=EXPIRED)
    trusted.issue("wrong-host", names="DNS:elsewhere.invalid")
    trusted.issue("client", names="DNS:client.test", usage="clientAuth")
    other.issue("untrusted")
    other.openssl("req", "-x509", *KEY, "-keyout", "self-signed.key", "-out",
                  "self-signed.pem", "-days", "30", "-subj", "/CN=localhost",
                  "-addext", f"subjectAltName={NAMES}")


def server_context(folder, leaf, only=None, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, f"{leaf}.pem"),
                            os.path.join(folder, f"{leaf}.key"))
    if only:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = only
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(os.path.join(folder, client_ca))
    return context


async def cut_hello(reader, writer):
    """A ServerHello that announces more bytes than come."""
    await reader.read(1)
    writer.write(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    await writer.drain()


async def plain_http(reader, writer):
    await reader.read(65536)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def open_ports(host, folder, make_connection, kept):
    """Opens the TLS ports; returns name -> port."""
    make_certificates(folder)
    contexts = {
        "good": server_context(folder, "good"),
        "expired": server_context(folder, "expired"),
        "wrong-host": server_context(folder, "wrong-host"),
        "self-signed": server_context(folder, "self-signed"),
        "untrusted": server_context(folder, "untrusted"),
        "tls10": server_context(folder, "good", only=ssl.TLSVersion.TLSv1),
        "tls11": server_context(folder, "good", only=ssl.TLSVersion.TLSv1_1),
        "mutual": server_context(folder, "good", client_ca="ca.pem"),
    }
    ports = {}
    loop = asyncio.get_running_loop()
    for name, context in contexts.items():
        server = await loop.create_server(make_connection, host, 0, ssl=context)
        kept.append(server)
        ports[name] = server.sockets[0].getsockname()[1]
    for name, handler in (("hang", tcp_ports.silent), ("garbage", tcp_ports.flood),
                          ("cut", cut_hello), ("plain", plain_http)):
        server, ports[name] = await tcp_ports.listen(handler, host)
        kept.append(server)
    return ports
