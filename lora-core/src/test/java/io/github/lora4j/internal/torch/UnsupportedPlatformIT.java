package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.DeviceException;
import io.github.lora4j.tensor.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnsupportedPlatformIT {

  /** What a user's program would do first; run in a JVM of its own. */
  public static final class Program {
    private Program() {}

    /** Prints what the first and a second attempt give. */
    public static void main(String[] args) {
      for (int attempt = 0; attempt < 2; attempt++) {
        try {
          System.out.println(Tensor.of(new float[] {1}, 1));
        } catch (DeviceException e) {
          System.out.println("DeviceException: " + e.getMessage());
        }
      }
    }
  }

  @Test
  void aMachineWithoutNativesIsToldWhichArePublished() throws IOException, InterruptedException {
    Process jvm =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Dorg.bytedeco.javacpp.platform=linux-arm64",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Program.class.getName()))
            .redirectErrorStream(true)
            .start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(jvm.waitFor()).as(output).isZero();
    assertThat(output.lines().filter(line -> line.startsWith("DeviceException:")))
        .hasSize(2)
        .allMatch(
            line ->
                line.contains("its platform is linux-arm64")
                    && line.contains("linux-x86_64, macosx-arm64, macosx-x86_64, windows-x86_64"));
  }
}
