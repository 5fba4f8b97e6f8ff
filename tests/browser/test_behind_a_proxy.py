"""The studio as README tells to serve it: nginx with HTTPS before it, under a path, with a password, in a browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.data import example
from rad_core import passwords
from tests.browser.conftest import LOCAL, Visits, settled
from tests.commands.test_app_command import free_port, studio

pytestmark = pytest.mark.browser

SERVING = Path(__file__).parents[2] / "assets" / "serving"
WORDS = "correct horse"


@contextmanager
def nginx(folder: Path, studio_port: int) -> Iterator[str]:
    """The nginx of the example, on a port and with a certificate of its own; gives the address of the studio."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("nginx or openssl is not installed: apt-get install nginx openssl")
    port, key, certificate = free_port(), folder / "key.pem", folder / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={LOCAL}"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    conf = (SERVING / "nginx.conf").read_text()
    for given, ours in {
        "listen 443 ssl": f"listen {LOCAL}:{port} ssl",
        "server_name studio.example.com": f"server_name {LOCAL}",
        "/etc/ssl/certs/studio.example.com.pem": str(certificate),
        "/etc/ssl/private/studio.example.com.key": str(key),
        "http://127.0.0.1:8501": f"http://{LOCAL}:{studio_port}",
    }.items():
        assert given in conf
        conf = conf.replace(given, ours)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {paths}\n{conf} }}"
    (folder / "nginx.conf").write_text(whole)
    server = subprocess.Popen([program, "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "nginx.log"])
    try:
        yield f"https://{LOCAL}:{port}/rad"
    finally:
        server.terminate()
        server.wait(30)


def test_through_nginx_to_explore_and_an_upload(visit: Visits, tmp_path: Path) -> None:
    passwords.write(tmp_path / "pw", passwords.made_of(WORDS))
    options = ("--base-path", "/rad", "--password-file", str(tmp_path / "pw"), "--allow-host", LOCAL)
    with studio(tmp_path, *options) as server, nginx(tmp_path, server.port) as url:
        page = visit.open(f"{url}/data", ignore_https_errors=True)
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.get_by_label("Password").fill(WORDS)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{url}/data**")
        settled(page)
        cookie = next(each for each in page.context.cookies() if each["name"].startswith("rad-session"))
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
        assert cookie["path"] == "/rad"
        assert sockets[0].startswith(url.replace("https://", "wss://"))
        page.get_by_text("What to bring").wait_for()
        field = page.get_by_test_id("stFileUploader").filter(has_text="The student's probabilities")
        field.locator("input[type=file]").set_input_files(example.folder() / "probabilities.npy")
        page.get_by_text("Of 1,537 points").wait_for()
        settled(page)
        page.get_by_role("link", name="Explore").click()
        page.get_by_role("heading", name="raise accuracy").wait_for()
        page.get_by_role("slider", name="Teacher accuracy").wait_for()
        settled(page)
        page.get_by_role("link", name="Log out").click()
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Password").wait_for()
        assert server.takes(f"{LOCAL}:{server.port}", None) is False, "no websocket without the cookie"
