package io.github.lora4j.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The merges of a SentencePiece BPE model, which its file does not hold: every way in which a piece
 * consists of two others, the piece with the highest score first.
 */
final class PieceMerges {

  private PieceMerges() {}

  /**
   * A pair of pieces that become one.
   *
   * @param score of what they become
   */
  record Merge(String left, String right, float score) {}

  static List<Merge> of(List<SentencePieceModel.Piece> pieces) {
    Map<String, Integer> ids = new HashMap<>();
    Map<String, Float> scores = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.put(pieces.get(id).text(), id);
      scores.put(pieces.get(id).text(), pieces.get(id).score());
    }
    Comparator<Merge> byIds =
        Comparator.<Merge>comparingInt(merge -> ids.get(merge.left()))
            .thenComparingInt(merge -> ids.get(merge.right()));
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < pieces.size(); id++) {
      String piece = pieces.get(id).text();
      if (ids.get(piece) == id) {
        List<Merge> splits = splits(piece, scores.get(piece), ids);
        splits.sort(byIds);
        merges.addAll(splits);
      }
    }
    // Of the same piece's, those with a longer left part come first.
    merges.sort(
        Comparator.<Merge>comparingDouble(merge -> -merge.score())
            .thenComparingInt(merge -> -length(merge.left()))
            .thenComparingInt(merge -> -length(merge.right())));
    return merges;
  }

  private static List<Merge> splits(String piece, float score, Map<String, Integer> ids) {
    List<Merge> splits = new ArrayList<>();
    for (int at = 1; at < piece.length(); at++) {
      if (!Character.isLowSurrogate(piece.charAt(at))) {
        String left = piece.substring(0, at);
        String right = piece.substring(at);
        if (ids.containsKey(left) && ids.containsKey(right)) {
          splits.add(new Merge(left, right, score));
        }
      }
    }
    return splits;
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
