package io.github.lora4j.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What a SentencePiece model ({@code tokenizer.model}) says; settings that it leaves out have
 * SentencePiece's defaults.
 */
final class SentencePieceModel {

  /** Kinds of models. */
  static final int UNIGRAM = 1;

  static final int BPE = 2;

  /** Kinds of pieces. */
  static final int CONTROL = 3;

  static final int USER_DEFINED = 4;

  /** Sixteen times the largest vocabularies in use. */
  private static final int MAX_PIECES = 4 << 20;

  /** SentencePiece's own pieces have at most a few hundred characters. */
  private static final int MAX_PIECE_LENGTH = 4096;

  /**
   * A piece of the vocabulary.
   *
   * @param kind such as {@link #CONTROL}
   */
  record Piece(String text, float score, int kind) {}

  private final List<Piece> pieces = new ArrayList<>();
  private int type = UNIGRAM;
  private boolean byteFallback;
  private int unkId;
  private String unkPiece = "<unk>";
  private byte[] charsMap = {};
  private boolean addDummyPrefix = true;
  private boolean removeExtraWhitespaces = true;

  private SentencePieceModel() {}

  /**
   * Reads a model.
   *
   * @throws IOException if these bytes are none; it says where
   */
  static SentencePieceModel parse(ByteBuffer data) throws IOException {
    SentencePieceModel model = new SentencePieceModel();
    ProtobufReader reader = new ProtobufReader(data);
    for (int field = reader.next(); field != 0; field = reader.next()) {
      switch (field) {
        case 1 -> model.readPiece(new ProtobufReader(reader.bytes()));
        case 2 -> model.readTrainer(new ProtobufReader(reader.bytes()));
        case 3 -> model.readNormalizer(new ProtobufReader(reader.bytes()));
        default -> reader.skip();
      }
    }
    if (model.pieces.isEmpty()) {
      throw new IOException("it has no pieces, so it is not a SentencePiece model");
    }
    if (model.type != UNIGRAM && model.type != BPE) {
      throw new IOException(
          "its model is of kind " + model.type + ", only BPE and unigram are supported");
    }
    return model;
  }

  private void readPiece(ProtobufReader reader) throws IOException {
    String text = "";
    float score = 0;
    int kind = 1;
    for (int field = reader.next(); field != 0; field = reader.next()) {
      switch (field) {
        case 1 -> text = reader.text();
        case 2 -> score = reader.real();
        case 3 -> kind = (int) reader.number();
        default -> reader.skip();
      }
    }
    if (pieces.size() == MAX_PIECES || text.length() > MAX_PIECE_LENGTH || text.isEmpty()) {
      throw new IOException(
          "piece "
              + pieces.size()
              + " has "
              + text.length()
              + " characters: expected at most "
              + MAX_PIECES
              + " pieces of 1 to "
              + MAX_PIECE_LENGTH);
    }
    pieces.add(new Piece(text, score, kind));
  }

  private void readTrainer(ProtobufReader reader) throws IOException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      switch (field) {
        case 3 -> type = (int) reader.number();
        case 35 -> byteFallback = reader.number() != 0;
        case 40 -> unkId = (int) reader.number();
        case 45 -> unkPiece = reader.text();
        default -> reader.skip();
      }
    }
  }

  private void readNormalizer(ProtobufReader reader) throws IOException {
    for (int field = reader.next(); field != 0; field = reader.next()) {
      switch (field) {
        case 2 -> {
          ByteBuffer bytes = reader.bytes();
          charsMap = new byte[bytes.remaining()];
          bytes.get(charsMap);
        }
        case 3 -> addDummyPrefix = reader.number() != 0;
        case 4 -> removeExtraWhitespaces = reader.number() != 0;
        default -> reader.skip();
      }
    }
  }

  List<Piece> pieces() {
    return pieces;
  }

  int type() {
    return type;
  }

  boolean byteFallback() {
    return byteFallback;
  }

  int unkId() {
    return unkId;
  }

  String unkPiece() {
    return unkPiece;
  }

  /** Returns the table of replaced characters, empty if text is taken as it is. */
  byte[] charsMap() {
    return charsMap;
  }

  boolean addDummyPrefix() {
    return addDummyPrefix;
  }

  boolean removeExtraWhitespaces() {
    return removeExtraWhitespaces;
  }
}
