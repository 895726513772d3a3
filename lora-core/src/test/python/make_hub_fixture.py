#!/usr/bin/env python3
"""Writes hub/layout.json into the test resources: the cache that huggingface_hub makes of a small repository.

    python make_hub_fixture.py        (made with huggingface_hub 1.33.0)

A server on this machine plays the hub: it lists one commit, answers HEAD and GET as the hub does, and redirects large
files to another host. huggingface_hub downloads from it, under two revisions, what LoRA4J reads of a model; asking for a
file that the repository does not have leaves a mark too. layout.json holds the repository, and what then stands in the
cache: files with their text, links with their targets.

    python make_hub_fixture.py --check DIR

reads a cache that LoRA4J made of this repository (HubCacheTest leaves one where -Dlora4j.hub.keep=DIR says) with
huggingface_hub alone: without a network, without a warning.
"""
import hashlib
import http.server
import json
import os
import sys
import tempfile
import threading

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../resources/hub/layout.json")
REPO, COMMIT = "tiny-org/Tiny-1.0", "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ["main", "refs/pr/1"]
FILES = {
    "README.md": "# Not read by LoRA4J\n",
    "additional_chat_templates/tool_use.jinja": "{{ tools }}",
    "config.json": '{"model_type": "llama"}\n',
    "model.safetensors": "weights " * 9,
    "pytorch_model.bin": "a pickle",
    "tokenizer.json": '{"version": "1.0"}',
    "tokenizer_config.json": "{}",
    "vocab.json": "{}",
}
LARGE = {"model.safetensors", "pytorch_model.bin"}
WANTED = [name for name in FILES if name not in ("README.md", "pytorch_model.bin", "vocab.json")]
ABSENT = ["added_tokens.json", "chat_template.jinja", "chat_template.json", "generation_config.json",
          "special_tokens_map.json"]


def etag(name):
    data = FILES[name].encode()
    return (hashlib.sha256(data) if name in LARGE else hashlib.sha1(b"blob %d\0" % len(data) + data)).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/store/"):
            return self.answer(200, {}, FILES[self.path[len("/store/"):]].encode())
        prefix, _, rest = self.path.partition("/resolve/")
        name = rest.partition("/")[2]
        headers = {"X-Repo-Commit": COMMIT}
        if name not in FILES:
            return self.answer(404, {**headers, "X-Error-Code": "EntryNotFound"})
        body = FILES[name].encode()
        if name not in LARGE:
            return self.answer(200, {**headers, "ETag": f'"{etag(name)}"'}, body)
        port = self.server.server_address[1]
        self.answer(302, {**headers, "X-Linked-Etag": f'"{etag(name)}"', "X-Linked-Size": str(len(body)),
                          "Location": f"http://localhost:{port}/store/{name}"})

    do_HEAD = do_GET


def listing(cache):
    entries = {}
    for folder, _, names in os.walk(cache):
        for name in names:
            path = os.path.join(folder, name)
            key = os.path.relpath(path, cache)
            if os.path.islink(path):
                entries[key] = {"link": os.readlink(path)}
            else:
                with open(path) as f:
                    entries[key] = {"text": f.read()}
    return dict(sorted(entries.items()))


def make():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as cache:
        os.environ.update(HF_ENDPOINT=endpoint, HF_HUB_CACHE=cache, HF_HUB_DISABLE_TELEMETRY="1",
                          HF_HUB_DISABLE_PROGRESS_BARS="1", HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
        import huggingface_hub
        from huggingface_hub.errors import EntryNotFoundError
        for revision in REVISIONS:
            for name in WANTED + ABSENT:
                try:
                    huggingface_hub.hf_hub_download(REPO, name, revision=revision)
                except EntryNotFoundError:
                    assert name in ABSENT, name
        result = {
            "huggingface_hub": huggingface_hub.__version__,
            "repo": REPO, "commit": COMMIT, "revisions": REVISIONS,
            "files": FILES, "large": sorted(LARGE),
            "cache": listing(cache),
        }
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


def check(cache):
    os.environ.update(HF_HUB_CACHE=cache, HF_HUB_OFFLINE="1")
    import huggingface_hub
    for revision in REVISIONS + [COMMIT]:
        folder = huggingface_hub.snapshot_download(REPO, revision=revision, local_files_only=True)
        for name in WANTED:
            path = huggingface_hub.hf_hub_download(REPO, name, revision=revision)
            assert path == os.path.join(folder, name), path
            with open(path) as f:
                assert f.read() == FILES[name], path
        for name in ABSENT:
            known = huggingface_hub.try_to_load_from_cache(REPO, name, revision=revision)
            assert known is huggingface_hub._CACHED_NO_EXIST, (name, known)
    scan = huggingface_hub.scan_cache_dir(cache)
    assert not scan.warnings, scan.warnings
    assert not scan.incomplete_files, scan.incomplete_files
    [repo] = scan.repos
    assert (repo.repo_id, repo.nb_files, set(repo.refs)) == (REPO, len(WANTED), set(REVISIONS)), repo
    print(f"huggingface_hub {huggingface_hub.__version__} reads it: {scan.export_as_table()}")


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["--check"] else make()
