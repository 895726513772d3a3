package io.github.lora4j.io.hub;

import java.util.Set;

/** The files of a repository at a commit. */
record Listing(String commit, Set<String> files) {

  Listing {
    files = Set.copyOf(files);
  }
}
