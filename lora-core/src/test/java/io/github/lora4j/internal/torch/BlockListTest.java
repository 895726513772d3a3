package io.github.lora4j.internal.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BlockListTest {

  private static final long K = 1024;

  private final BlockList blocks = new BlockList(1000 * K);

  private long take(long bytes) {
    return blocks.take(bytes).orElseThrow();
  }

  @Test
  void aFreedBlockServesTheNextOfItsSizeAmongOthersThatStay() {
    List<Long> temporary = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      temporary.add(take(6 * K));
      take(4 * K); // stays
    }
    long end = blocks.end();
    temporary.forEach(blocks::giveBack);
    for (int i = 0; i < 10; i++) {
      take(6 * K);
    }
    assertThat(blocks.end()).isEqualTo(end).isEqualTo(100 * K);
    assertThat(blocks.usedBytes()).isEqualTo(100 * K);
  }

  @Test
  void neighboursBecomeOneAndTheSmallestThatFitsIsTaken() {
    long a = take(2 * K);
    long b = take(3 * K);
    long c = take(4 * K);
    take(K);
    long d = take(5 * K);
    take(K);
    blocks.giveBack(a);
    blocks.giveBack(c);
    blocks.giveBack(b);
    blocks.giveBack(d);
    assertThat(take(5 * K - 1)).isEqualTo(d);
    assertThat(take(9 * K)).isEqualTo(a);
  }

  @Test
  void whatIsFreeAtTheEndIsPartOfTheNextBlock() {
    take(K);
    long last = take(2 * K);
    blocks.giveBack(last);
    assertThat(take(3 * K)).isEqualTo(last);
    assertThat(blocks.end()).isEqualTo(4 * K);
  }

  @Test
  void thereIsAnEnd() {
    take(999 * K);
    assertThat(blocks.take(2 * K)).isEmpty();
    assertThat(take(K)).isEqualTo(999 * K);
    assertThatThrownBy(() -> blocks.giveBack(5)).hasMessageContaining("found 5");
  }

  @Test
  void blocksNeverOverlapAndNothingIsLost() {
    SplittableRandom random = new SplittableRandom(1);
    TreeMap<Long, Long> live = new TreeMap<>();
    for (int i = 0; i < 5000; i++) {
      if (random.nextInt(5) < 2 && !live.isEmpty()) {
        List<Long> all = List.copyOf(live.keySet());
        long gone = all.get(random.nextInt(all.size()));
        live.remove(gone);
        blocks.giveBack(gone);
      } else {
        long size = random.nextLong(1, 20 * K);
        blocks
            .take(size)
            .ifPresent(
                offset -> {
                  assertThat(offset % BlockList.GRAIN).isZero();
                  Map.Entry<Long, Long> before = live.floorEntry(offset);
                  Map.Entry<Long, Long> behind = live.ceilingEntry(offset);
                  assertThat(before == null || before.getKey() + before.getValue() <= offset)
                      .isTrue();
                  assertThat(behind == null || offset + size <= behind.getKey()).isTrue();
                  live.put(offset, size);
                });
      }
    }
    live.keySet().forEach(blocks::giveBack);
    assertThat(blocks.usedBytes()).isZero();
    List<Long> sizes = new ArrayList<>();
    blocks.forEachFree((offset, size) -> sizes.add(size));
    assertThat(sizes).containsExactly(blocks.end());
  }
}
