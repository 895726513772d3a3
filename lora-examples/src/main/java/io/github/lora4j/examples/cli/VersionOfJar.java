package io.github.lora4j.examples.cli;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version that the build wrote into the jar's manifest. */
public final class VersionOfJar implements IVersionProvider {

  /** For picocli, which makes the instance. */
  public VersionOfJar() {}

  @Override
  public String[] getVersion() {
    String version =
        Optional.ofNullable(VersionOfJar.class.getPackage().getImplementationVersion())
            .orElse("(run from class files)");
    return new String[] {
      "LoRA4J " + version, "Java " + Runtime.version() + " on ${os.name} ${os.arch}"
    };
  }
}
