package io.github.lora4j.text;

import static io.github.lora4j.text.TokenizerJson.replace;
import static io.github.lora4j.text.TokenizerJson.sequence;
import static io.github.lora4j.text.TokenizerJson.type;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a {@code tokenizer.json} of a SentencePiece model, as transformers' converters do.
 *
 * <p>Its ids are SentencePiece's own, which transformers 5 no longer gives where it reads such a
 * model directly: it orders merges by the vocabulary and not by score, and leaves the beginning of
 * sequence out where {@code add_bos_token} is not set.
 */
final class SentencePieceConverter {

  private static final String SPACE = "\u2581";
  private static final Set<String> GEMMA_TURNS = Set.of("<start_of_turn>", "<end_of_turn>");
  private static final int T5_EXTRA_IDS = 100;

  private final SentencePieceModel model;
  private final TokenizerSettings settings;
  private final List<SentencePieceModel.Piece> pieces;
  private final boolean prefix;

  private SentencePieceConverter(SentencePieceModel model, TokenizerSettings settings) {
    this.model = model;
    this.settings = settings;
    this.pieces = pieces();
    this.prefix = settings.flag("add_prefix_space", model.addDummyPrefix());
  }

  static String convert(SentencePieceModel model, TokenizerSettings settings) throws IOException {
    return new SentencePieceConverter(model, settings).convert();
  }

  private List<SentencePieceModel.Piece> pieces() {
    List<SentencePieceModel.Piece> all = new ArrayList<>(model.pieces());
    if (settings.is(TokenizerClass.GEMMA)) {
      boolean hasTab = all.stream().anyMatch(piece -> piece.text().equals("\t"));
      // The first Gemma has no tab but its byte.
      all.replaceAll(
          piece ->
              !hasTab && piece.text().equals("<0x09>")
                  ? new SentencePieceModel.Piece("\t", 0, piece.kind())
                  : piece);
    }
    if (settings.is(TokenizerClass.T5)) {
      for (int i = settings.config().path("extra_ids").asInt(T5_EXTRA_IDS) - 1; i >= 0; i--) {
        all.add(
            new SentencePieceModel.Piece("<extra_id_" + i + ">", 0, SentencePieceModel.CONTROL));
      }
    }
    return all;
  }

  private String convert() throws IOException {
    Map<String, Integer> vocabulary = new LinkedHashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      if (vocabulary.putIfAbsent(pieces.get(id).text(), id) != null) {
        throw new IOException("the piece \"" + pieces.get(id).text() + "\" is there twice");
      }
    }
    AddedTokens added = new AddedTokens(vocabulary);
    for (SentencePieceModel.Piece piece : pieces) {
      if (piece.kind() == SentencePieceModel.CONTROL
          || piece.kind() == SentencePieceModel.USER_DEFINED) {
        boolean turn = settings.is(TokenizerClass.GEMMA) && GEMMA_TURNS.contains(piece.text());
        added.add(piece.text(), turn || piece.kind() == SentencePieceModel.CONTROL);
      }
    }
    added.addAll(settings);
    return TokenizerJson.write(
        added, normalizer(), preTokenizer(), frame(added), decoder(), model(vocabulary));
  }

  private ObjectNode model(Map<String, Integer> vocabulary) {
    if (model.type() == SentencePieceModel.UNIGRAM) {
      ObjectNode unigram =
          type("Unigram").put("unk_id", model.unkId()).put("byte_fallback", model.byteFallback());
      ArrayNode list = unigram.putArray("vocab");
      pieces.forEach(piece -> list.addArray().add(piece.text()).add((double) piece.score()));
      return unigram;
    }
    ObjectNode bpe =
        type("BPE")
            .put("unk_token", model.unkPiece())
            .put("fuse_unk", true)
            .put("byte_fallback", model.byteFallback());
    ObjectNode ids = bpe.putObject("vocab");
    vocabulary.forEach(ids::put);
    ArrayNode merges = bpe.putArray("merges");
    PieceMerges.of(pieces).forEach(merge -> merges.addArray().add(merge.left()).add(merge.right()));
    return bpe;
  }

  /** Whether runs of spaces are text, as for Llama and Gemma, and do not become one. */
  private boolean keepsSpaces() {
    return !model.removeExtraWhitespaces()
        || settings.is(TokenizerClass.LLAMA)
        || settings.is(TokenizerClass.GEMMA);
  }

  /** Whether a space is put before every stretch of text, those behind special tokens included. */
  private boolean legacy() {
    return settings.flag("legacy", true);
  }

  private @Nullable ObjectNode normalizer() {
    List<ObjectNode> steps = new ArrayList<>();
    if (model.charsMap().length > 0 && !settings.is(TokenizerClass.LLAMA)) {
      String map = Base64.getEncoder().encodeToString(model.charsMap());
      steps.add(type("Precompiled").put("precompiled_charsmap", map));
    }
    if (!keepsSpaces()) {
      steps.add(type("Strip").put("strip_left", false).put("strip_right", true));
      steps.add(TokenizerJson.pattern("Replace", "Regex", " {2,}").put("content", SPACE));
    } else if (settings.is(TokenizerClass.GEMMA) || legacy()) {
      if (prefix && !settings.is(TokenizerClass.GEMMA)) {
        steps.add(type("Prepend").put("prepend", SPACE));
      }
      steps.add(replace(" ", SPACE));
    }
    return steps.size() > 1
        ? sequence("normalizers", steps)
        : steps.isEmpty() ? null : steps.get(0);
  }

  private @Nullable ObjectNode preTokenizer() {
    if (settings.is(TokenizerClass.GEMMA)) {
      return TokenizerJson.split("String", " ", "MergedWithPrevious");
    }
    return keepsSpaces() && legacy() ? null : metaspace();
  }

  private ObjectNode metaspace() {
    return type("Metaspace")
        .put("replacement", SPACE)
        .put("prepend_scheme", !prefix ? "never" : legacy() ? "always" : "first")
        .put("split", !keepsSpaces());
  }

  private ObjectNode decoder() {
    if (!keepsSpaces() && !model.byteFallback()) {
      return metaspace();
    }
    List<ObjectNode> steps = new ArrayList<>();
    steps.add(replace(SPACE, " "));
    steps.add(type("ByteFallback"));
    steps.add(type("Fuse"));
    if (prefix && !settings.is(TokenizerClass.GEMMA)) {
      steps.add(type("Strip").put("content", " ").put("start", 1).put("stop", 0));
    }
    return sequence("decoders", steps);
  }

  private ObjectNode frame(AddedTokens added) {
    Map<String, String> special = SpecialTokens.texts(settings.folder());
    boolean seq2seq = settings.is(TokenizerClass.T5);
    boolean bos = settings.flag("add_bos_token", !seq2seq);
    boolean eos = settings.flag("add_eos_token", seq2seq);
    return TokenizerJson.frame(
        added,
        bos ? special.getOrDefault("bos_token", "<s>") : null,
        eos ? special.getOrDefault("eos_token", "</s>") : null);
  }
}
