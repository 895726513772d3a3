package io.github.lora4j.io.hub;

/** What the hub says about a file before it is downloaded. */
record RemoteFile(String name, Etag etag, long size) {}
