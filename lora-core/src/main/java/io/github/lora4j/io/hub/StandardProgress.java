package io.github.lora4j.io.hub;

import io.github.lora4j.internal.text.Terminal;

/** A bar where a person sees it, log lines elsewhere. */
final class StandardProgress {

  private StandardProgress() {}

  static DownloadProgress open() {
    return Terminal.console()
        .<DownloadProgress>map(console -> new ProgressBarOnTerminal(console.writer()))
        .orElseGet(ProgressInLog::new);
  }
}
