package io.github.lora4j.examples.cli;

import io.github.lora4j.data.Batch;
import io.github.lora4j.data.TokenizedExample;
import io.github.lora4j.error.CheckpointFormatException;
import io.github.lora4j.io.SafeTensors;
import io.github.lora4j.io.TensorInfo;
import io.github.lora4j.tensor.DType;
import io.github.lora4j.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Reads {@code input_ids} and {@code attention_mask} from a safetensors file. */
final class BatchFile {

  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";

  private BatchFile() {}

  /**
   * The batch, without labels.
   *
   * @throws CheckpointFormatException naming file and tensor, if one is missing or not I64 {@code
   *     [batch, seq]}, or holds what it can't
   */
  static Batch read(Path file) {
    try (SafeTensors tensors = SafeTensors.open(file)) {
      TensorInfo info = tensors.info(IDS);
      int[] ids = integers(tensors, info, Integer.MAX_VALUE, "token ids");
      List<Long> shape = info.shape();
      int[] mask = new int[ids.length];
      Arrays.fill(mask, 1);
      if (tensors.names().contains(MASK)) {
        TensorInfo maskInfo = tensors.info(MASK);
        if (!maskInfo.shape().equals(shape)) {
          throw wrong(maskInfo, "the shape of input_ids, " + shape, "" + maskInfo.shape());
        }
        mask = integers(tensors, maskInfo, 1, "1 for tokens and 0 for padding");
      }
      int[] labels = new int[ids.length];
      Arrays.fill(labels, TokenizedExample.IGNORE_INDEX);
      return new Batch(
          Math.toIntExact(shape.get(0)), Math.toIntExact(shape.get(1)), ids, mask, labels);
    }
  }

  private static int[] integers(SafeTensors tensors, TensorInfo info, int largest, String what) {
    if (!info.dtypeName().equals(DType.I64.name())) {
      throw wrong(info, "dtype I64", info.dtypeName());
    }
    if (info.shape().size() != 2 || info.elementCount() == 0) {
      throw wrong(info, "shape [batch, seq] with at least one token", "" + info.shape());
    }
    if (info.elementCount() > Integer.MAX_VALUE) {
      throw wrong(info, "at most " + Integer.MAX_VALUE + " numbers", "" + info.shape());
    }
    try (Tensor tensor = tensors.tensor(info.name())) {
      long[] values = tensor.toLongArray();
      int[] narrow = new int[values.length];
      for (int i = 0; i < values.length; i++) {
        if (values[i] < 0 || values[i] > largest) {
          long columns = info.shape().get(1);
          throw wrong(info, what, values[i] + " at [" + i / columns + ", " + i % columns + "]");
        }
        narrow[i] = (int) values[i];
      }
      return narrow;
    }
  }

  private static CheckpointFormatException wrong(TensorInfo info, String expected, String found) {
    return new CheckpointFormatException(
        info.file() + ": " + info.name() + ": expected " + expected + ", found " + found);
  }
}
