package io.github.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** Whatever an index says: it leads to whole tensors in its own folder, or it is refused. */
class CheckpointIndexMutationTest {

  private static Path folder;
  private static byte[] index;

  @BeforeContainer
  static void copyFixture() throws IOException {
    folder = Files.createTempDirectory("mutations");
    try (DirectoryStream<Path> files = Files.newDirectoryStream(RawFile.fixture("sharded"))) {
      for (Path file : files) {
        Files.copy(file, folder.resolve(file.getFileName().toString()));
      }
    }
    index = Files.readAllBytes(folder.resolve(CheckpointFiles.INDEX));
  }

  @AfterContainer
  static void removeFolder() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      files.forEach(RawFile::delete);
    }
    Files.delete(folder);
  }

  @Property(tries = 500, edgeCases = EdgeCasesMode.NONE)
  void aMutatedIndexOpensSafelyOrIsRefused(@ForAll("mutations") UnaryOperator<byte[]> mutation) {
    RawFile.delete(folder.resolve(CheckpointFiles.INDEX));
    Path changed = RawFile.write(folder, CheckpointFiles.INDEX, mutation.apply(index));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertThat(checkpoint.names()).hasSize(5);
      assertThat(checkpoint.files()).allSatisfy(file -> assertThat(file).hasParent(folder));
    } catch (CheckpointFormatException e) {
      assertThat(e).hasMessageContaining(changed.toString());
    }
  }

  @Provide
  static Arbitrary<UnaryOperator<byte[]>> mutations() {
    return Mutations.several();
  }
}
