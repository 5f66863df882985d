"""`karnet serve` in ordinary life and in trouble, with real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable

from karnet.journal.tlog.checkpoint import open_checkpoint
from karnet.wiring import postgres
from karnet.wiring.checkpoint_file import CheckpointFile
from karnet.wiring.cli.exits import Exit
from karnet.wiring.installation import Installation
from karnet.wiring.log_keys import verifier_key
from karnet.wiring.serve.report import State
from karnet.wiring.serve.tests.conftest import Served, processes_naming, until

Copy = Callable[..., Installation]
Serve = Callable[..., Served]


def test_it_says_when_it_is_ready_and_a_signal_ends_everything(copy: Copy, serve: Serve) -> None:
    home = copy()
    served = serve(home)
    assert served.ready() == f"http://127.0.0.1:{home.config.http.port}"
    health = until(lambda: (h := served.health()) and h["log"]["unsealed"] == 0 and h, "the first seal")
    assert (health["status"], health["name"]) == ("ok", "karnet.test/log")
    assert health["log"]["sealed"] == 1
    assert {role: report["state"] for role, report in health["processes"].items()} == {
        "web": "running",
        "worker": "running",
        "sealer": "running",
    }
    assert b"karnet.test/log" in served.get("/")[1]
    assert served.end() == Exit.OK
    until(lambda: processes_naming(home.path) == [], "the end of all")
    assert postgres.status(home) is None
    assert served.report("sealer").state == State.STOPPED
    lines = (home.logs_dir / "serve.log").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "stopping"


def test_the_log_is_served_at_its_standard_paths_and_verifies(site: Served) -> None:
    home = site.installation
    until(lambda: site.get("/checkpoint")[0] == 200, "the first checkpoint")
    _, note = site.get("/checkpoint")
    checkpoint = open_checkpoint(note, origin=home.name, log_keys=[verifier_key(home)]).checkpoint
    assert checkpoint.size == 1
    assert site.get("/tile/entries/000.p/1")[0] in (302, 200), "a log-in is asked for"
    assert b"journal.founded" not in site.get("/tile/entries/000.p/1")[1]
    assert len(site.get("/tile/0/000.p/1")[1]) == 32
    for path in ("/tile/0/000", "/tile/0/001.p/1", "/tile/00/000.p/1", "/tile/0/0", "/x"):
        assert site.get(path)[0] == 404, path


def test_each_process_runs_alone(copy: Copy, serve: Serve) -> None:
    home = copy()
    alone = [serve(home, role) for role in ("web", "sealer", "worker")]
    until(lambda: alone[0].health().get("status") == "ok", "all three")
    assert len({served.process.pid for served in alone}) == 3
    until(lambda: alone[0].health()["log"]["sealed"] == 1, "the first seal")
    assert [served.end() for served in alone[1:]] == [Exit.OK, Exit.OK]
    assert postgres.status(home) is not None
    assert alone[0].health()["status"] == "degraded"
    assert alone[0].end(signal.SIGINT) == Exit.OK
    assert postgres.status(home) is None
    until(lambda: processes_naming(home.path) == [], "the end of all")


def test_a_process_that_is_killed_is_started_again(site: Served) -> None:
    for role in ("web", "worker", "sealer"):
        pid = site.report(role).pid
        os.kill(pid, signal.SIGKILL)
        until(lambda r=role, p=pid: (x := site.report(r)).pid != p and x.state == State.RUNNING, f"{role} again")
        assert f"{role} was killed by SIGKILL" in site.said
    until(lambda: site.health().get("status") == "ok", "health")


def test_the_http_worker_that_is_killed_takes_the_web_process_with_it_and_comes_back(site: Served) -> None:
    web = site.report("web").pid
    children = subprocess.run(["pgrep", "-P", str(web)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(children[-1]), signal.SIGKILL)
    until(lambda: (r := site.report("web")).pid != web and r.state == State.RUNNING, "web again")
    until(lambda: site.health().get("status") == "ok", "health")


def test_a_killed_postgres_is_started_again_and_everybody_goes_on(site: Served) -> None:
    home = site.installation
    before = postgres.status(home)
    assert before is not None
    pids = {role: site.report(role).pid for role in ("web", "worker", "sealer")}
    os.kill(before.pid, signal.SIGKILL)
    after = until(lambda: (p := postgres.status(home)) and p.pid != before.pid and p, "another postmaster")
    assert after.pid != before.pid
    until(lambda: (h := site.health()).get("status") == "ok" and h, "health")
    until(lambda: all(site.report(role).state == State.RUNNING for role in pids), "all running")
    assert {role: site.report(role).pid for role in pids} == pids


def test_nothing_outlives_a_supervisor_that_was_killed(copy: Copy, serve: Serve) -> None:
    home = copy()
    served = serve(home)
    served.ready()
    assert len(processes_naming(home.path)) > 4
    served.process.kill()
    until(lambda: processes_naming(home.path) == [], "the end of all")
    assert postgres.status(home) is None
    again = serve(home)
    again.ready()
    assert again.end() == Exit.OK


def test_a_second_signal_ends_everything_at_once_and_loses_nothing(copy: Copy, serve: Serve) -> None:
    home = copy()
    served = serve(home)
    served.ready()
    until(lambda: served.health()["log"]["sealed"] == 1, "the first seal")
    for role in ("web", "worker", "sealer"):
        os.kill(served.report(role).pid, signal.SIGSTOP)  # They would keep an orderly end waiting.
    served.process.send_signal(signal.SIGINT)
    until(lambda: "stopping" in served.said, "the first signal to be heard")
    assert served.end(signal.SIGINT) == Exit.INTERRUPTED
    until(lambda: processes_naming(home.path) == [], "the end of all")
    again = serve(home)
    again.ready()
    assert again.health()["log"]["sealed"] == 1


def test_a_taken_port_is_said_in_words_and_the_others_go_on(copy: Copy, serve: Serve) -> None:
    home = copy()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", home.config.http.port))
        holder.listen()
        served = serve(home)
        until(lambda: "web cannot work" in served.said, "word of the port")
        assert f"port {home.config.http.port}" in served.said
        assert "KARNET_HTTP_PORT" in served.said
        until(lambda: served.report("sealer").state == State.RUNNING, "the sealer")
        until(lambda: CheckpointFile(home.checkpoints_file).read(), "the first seal")
        report = until(lambda: (r := served.report("web")).state == State.REFUSED and r, "the report")
        assert report.code == "http-port-taken"
    served.ready()  # The port is free now.
    assert served.said.count("web cannot work") == 1
    assert served.end() == Exit.OK


def test_two_installations_run_side_by_side_but_never_share_a_port(copy: Copy, serve: Serve) -> None:
    first, second = copy("first"), copy("second")
    one, two = serve(first), serve(second)
    one.ready()
    two.ready()
    assert two.end() == Exit.OK
    assert one.health()["status"] == "ok"
    text = second.config_file.read_text().replace(f"port = {two.port}", f"port = {one.port}")
    second.config_file.write_text(text)
    three = serve(second)
    until(lambda: "web cannot work" in three.said, "word of the port")
    assert three.end() == Exit.OK
    assert one.end() == Exit.OK


def test_a_log_that_may_not_sign_stops_nobody_else(copy: Copy, serve: Serve) -> None:
    home = copy()
    served = serve(home)
    served.ready()
    until(lambda: served.health()["log"]["sealed"] == 1, "the first seal")
    assert served.end() == Exit.OK
    home.checkpoints_file.unlink()
    served = serve(home)
    served.ready()
    health = served.health()
    assert health["status"] == "degraded"
    assert health["database"]["ok"]
    assert health["processes"]["sealer"]["state"] == "refused"
    assert health["processes"]["sealer"]["code"] == "log-witness-missing"
    assert "recover" in health["processes"]["sealer"]["do"]
    assert "sealer cannot work" in served.said
    assert health["processes"]["worker"]["state"] == "running"
    assert served.get("/health")[0] == 200
    assert served.end() == Exit.OK


def test_a_second_supervisor_of_one_installation_is_turned_away(site: Served, serve: Serve) -> None:
    home = site.installation
    for arguments in ((), ("sealer",)):
        second = serve(home, *arguments)
        assert second.process.wait(60) == Exit.INSTALLATION
        until(lambda s=second: "already runs" in s.said, "the reason")
    assert site.health()["status"] == "ok"


def test_serving_before_init_says_what_to_do(place: object, serve: Serve, copy: Copy) -> None:
    home = copy()
    postgres.remove(home)
    shutil.rmtree(home.path / "postgres", ignore_errors=True)
    served = serve(home)
    assert served.process.wait(120) == Exit.INSTALLATION
    until(lambda: "karnet init" in served.said, "the advice")
