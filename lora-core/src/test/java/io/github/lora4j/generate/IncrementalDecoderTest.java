package io.github.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.lora4j.data.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class IncrementalDecoderTest {

  private final ByteTokenizer bytes = new ByteTokenizer();
  private final PieceTokenizer pieces = new PieceTokenizer();

  @Test
  void aCharacterComesOutWithItsLastToken() {
    assertThat(pushAll(bytes, "x", bytes.encode("é😀!", false)))
        .containsExactly("", "é", "", "", "", "😀", "!", "");
  }

  @Test
  void anIncompleteCharacterAtTheEndIsReplaced() {
    assertThat(pushAll(bytes, "", new int[] {'a', 0xF0, 0x9F}))
        .containsExactly("a", "", "", "\uFFFD");
  }

  @Test
  void theSpaceBeforeTheFirstNewTokenStays() {
    int the = pieces.tokenId("▁the").orElseThrow();
    assertThat(pushAll(pieces, "a", new int[] {the, the})).containsExactly(" the", " the", "");
  }

  @Test
  void specialTokensGiveNoTextAndDoNotSwallowTheSpaceBehindThem() {
    int the = pieces.tokenId("▁the").orElseThrow();
    assertThat(pushAll(pieces, "a", new int[] {the, 1, 1, the}))
        .containsExactly(" the", "", "", " the", "");
  }

  @Test
  void bytesThatAreNoTextDoNotTakeBackTheCharactersBeforeThem() {
    // As one run of byte tokens the five would decode to five U+FFFD.
    int[] ids = pieces.encode("€", false);
    int[] euro = Arrays.copyOfRange(ids, 1, ids.length);
    int broken = PieceTokenizer.FIRST_BYTE + 0xF0;
    int s = pieces.tokenId("s").orElseThrow();
    assertThat(pushAll(pieces, "a", new int[] {euro[0], euro[1], euro[2], broken, s}))
        .containsExactly("", "", "€", "", "\uFFFDs", "");
  }

  @Property(tries = 300)
  void thePiecesOfAnyTextAreTheTextAndNoneHasHalfACharacter(@ForAll("texts") String text) {
    for (Tokenizer tokenizer : List.of(bytes, pieces)) {
      String prompt = "a \n";
      int[] promptIds = tokenizer.encode(prompt, true);
      int[] ids = tokenizer.encode(text, false);
      List<String> out = pushAll(tokenizer, prompt, ids);
      int[] all = IntStream.concat(IntStream.of(promptIds), IntStream.of(ids)).toArray();
      assertThat(tokenizer.decode(promptIds, true) + String.join("", out))
          .isEqualTo(tokenizer.decode(all, true));
      assertThat(out).noneMatch(piece -> piece.contains("\uFFFD"));
    }
  }

  @Property(tries = 300)
  void thePiecesOfAnyBytesAreWhatAllOfThemDecodeTo(
      @ForAll @Size(max = 24) List<@IntRange(max = 258) Integer> tokens) {
    int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
    assertThat(String.join("", pushAll(bytes, "", ids))).isEqualTo(bytes.decode(ids, true));
  }

  @Property(tries = 300)
  void noTextGetsLostWhateverThePieces(
      @ForAll @Size(max = 24) List<@IntRange(min = 259, max = 272) Integer> tokens) {
    int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
    int[] prompt = pieces.encode("a", true);
    int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(ids)).toArray();
    assertThat("a" + String.join("", pushAll(pieces, "a", ids)))
        .isEqualTo(pieces.decode(all, true));
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.of("a", " ", "the", "ß", "é", "😀", "日", "€", "\n", "  ", "👩‍👧", "s")
        .list()
        .ofMaxSize(12)
        .map(list -> String.join("", list));
  }

  private static List<String> pushAll(Tokenizer tokenizer, String prompt, int[] ids) {
    IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, tokenizer.encode(prompt, true));
    List<String> out = new ArrayList<>();
    for (int id : ids) {
      out.add(decoder.push(id));
    }
    out.add(decoder.finish());
    return out;
  }
}
