package io.github.lora4j.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.lora4j.error.CheckpointFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {

  private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("Hello"));

  @TempDir Path temp;

  private static InputStream resource(String name) {
    return ChatTemplateTest.class.getResourceAsStream("/chat/" + name);
  }

  /** Our own templates of the formats in use; real ones are for RealChatTemplateTest. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "inst-system",
        "header",
        "chatml",
        "chatml-tools",
        "inst",
        "inst-tools",
        "bars",
        "turns",
        "types"
      })
  void rendersAsPythonDoes(String name) throws IOException {
    ChatCases cases;
    String source;
    try (InputStream expected = resource("expected.json");
        InputStream template = resource(name + ".jinja")) {
      cases = new ChatCases(new ObjectMapper().readTree(expected));
      source = new String(template.readAllBytes(), StandardCharsets.UTF_8);
    }
    assertThat(cases.results(name)).isGreaterThan(90);
    assertThat(cases.differences(name, ChatTemplate.of(source, cases.special()))).isEmpty();
  }

  @Test
  void rendersTheTemplateThatComesWithQwen2() {
    Path folder = Tokenizers.real("tokenizers/qwen2");
    List<ChatMessage> messages =
        List.of(ChatMessage.user("What?"), ChatMessage.assistant("That."), ChatMessage.user("Ah."));
    String expected =
        "<|im_start|>system\n"
            + "You are a helpful assistant.<|im_end|>\n"
            + "<|im_start|>user\n"
            + "What?<|im_end|>\n"
            + "<|im_start|>assistant\n"
            + "That.<|im_end|>\n"
            + "<|im_start|>user\n"
            + "Ah.<|im_end|>\n"
            + "<|im_start|>assistant\n";
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.applyChatTemplate(messages, true)).isEqualTo(expected);
      assertThat(tokenizer.encodeChat(messages, true))
          .isEqualTo(tokenizer.encode(expected, false))
          .startsWith(151644, 8948, 198);
    }
  }

  private Path write(String name, String text) throws IOException {
    Path file = temp.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  @Test
  void takesTheTemplateFromTheFirstFileThatHasOne() throws IOException {
    assertThatThrownBy(() -> ChatTemplate.load(temp))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("has no chat template");
    write(
        "tokenizer_config.json",
        "{\"chat_template\": \"config {{ eos_token }}\", \"eos_token\":"
            + " {\"content\": \"</s>\"}, \"bos_token\": null}");
    assertThat(ChatTemplate.load(temp).render(HELLO, false)).isEqualTo("config </s>");
    write("chat_template.json", "{\"chat_template\": \"json\"}");
    assertThat(ChatTemplate.load(temp).render(HELLO, false)).isEqualTo("json");
    write("chat_template.jinja", "jinja {{ bos_token }}{{ messages[0].content }}\n");
    assertThat(ChatTemplate.load(temp).render(HELLO, false)).isEqualTo("jinja Hello");
    assertThat(ChatTemplate.load(temp).source()).startsWith("jinja");
  }

  @Test
  void takesOneOfSeveralByName() throws IOException {
    write(
        "tokenizer_config.json",
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"d\"}, {\"name\":"
            + " \"tool_use\", \"template\": \"t\"}, {\"name\": \"rag\", \"template\": \"r\"}]}");
    ChatTemplate template = ChatTemplate.load(temp);
    assertThat(template.render(HELLO, false)).isEqualTo("d");
    assertThat(
            template.render(
                HELLO, ChatOptions.builder().tools(List.of(Map.of("name", "f"))).build()))
        .isEqualTo("t");
    assertThat(ChatTemplate.load(temp, "rag").render(HELLO, false)).isEqualTo("r");
    assertThatThrownBy(() -> ChatTemplate.load(temp, "none"))
        .isInstanceOf(CheckpointFormatException.class)
        .hasMessageContaining("[default, rag, tool_use]");
    write("additional_chat_templates/short.jinja", "s");
    write("chat_template.jinja", "j");
    assertThat(ChatTemplate.load(temp, "short").render(HELLO, false)).isEqualTo("s");
    assertThat(ChatTemplate.load(temp).render(HELLO, false)).isEqualTo("j");
  }

  @Test
  void namesFileAndLineOfErrors() throws IOException {
    Path file = write("chat_template.jinja", "a\n{{ messages[0].content +\n 1 }}\n");
    assertThatThrownBy(() -> ChatTemplate.load(temp).render(HELLO, false))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessage(file + ", line 2: \"+\" does not work on a str and an int");
    write("chat_template.jinja", "a\n\n{% if %}{% endif %}");
    assertThatThrownBy(() -> ChatTemplate.load(temp))
        .isInstanceOf(ChatTemplateException.class)
        .hasMessage(file + ", line 3: expected a value, found the end of the tag");
    write("chat_template.jinja", "\n{{ raise_exception('No system role') }}");
    assertThatThrownBy(() -> ChatTemplate.load(temp).render(HELLO, true))
        .isInstanceOfSatisfying(
            ChatTemplateException.class,
            e -> {
              assertThat(e.refused()).isTrue();
              assertThat(e.reason()).isEqualTo("No system role");
            })
        .hasMessage(file + ", line 2, refuses the conversation: No system role");
  }

  @Test
  void aBrokenTemplateIsNoReasonNotToEncode() throws IOException {
    Path folder =
        Tokenizers.copy(
            Tokenizers.tiny("bytelevel"), temp.resolve("m"), "{\"chat_template\": \"{% if\"}");
    try (var tokenizer = PretrainedTokenizer.load(folder)) {
      assertThat(tokenizer.encode("it", false)).isNotEmpty();
      assertThatThrownBy(tokenizer::chatTemplate).isInstanceOf(ChatTemplateException.class);
    }
    try (var tokenizer = PretrainedTokenizer.load(Tokenizers.tiny("bytelevel"))) {
      assertThat(tokenizer.chatTemplate()).isEmpty();
      assertThatThrownBy(() -> tokenizer.applyChatTemplate(HELLO, true))
          .isInstanceOf(CheckpointFormatException.class);
    }
  }

  @Test
  void passesWhatOptionsSay() {
    ChatTemplate template =
        ChatTemplate.of(
            "{{ tools is none }} {{ documents | length if documents }} {{ x }} {{ bos_token }}"
                + " {{ add_generation_prompt }} {{ strftime_now('%d %b %Y') }}",
            Map.of("bos_token", "<s>"));
    assertThat(
            template.render(
                HELLO,
                ChatOptions.builder()
                    .addGenerationPrompt(true)
                    .documents(List.of(Map.of("title", "a")))
                    .variable("x", null)
                    .variable("bos_token", "<b>")
                    .clock(ChatCases.CLOCK)
                    .build()))
        .isEqualTo("True 1 None <b> True 07 Mar 2026");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatOptions.builder().variable("tools", 1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                ChatOptions.builder().addGenerationPrompt(true).continueFinalMessage(true).build());
    assertThatIllegalArgumentException().isThrownBy(() -> template.render(List.of(), true));
  }

  @Test
  void continuesTheLastMessage() {
    ChatOptions continued = ChatOptions.builder().continueFinalMessage(true).build();
    List<ChatMessage> open = List.of(ChatMessage.user("a"), ChatMessage.assistant("It is "));
    ChatTemplate plain =
        ChatTemplate.of("{% for m in messages %}<{{ m.content }}>{% endfor %}", Map.of());
    assertThat(plain.render(open, continued)).isEqualTo("<a><It is ");
    ChatTemplate stripping =
        ChatTemplate.of("{% for m in messages %}<{{ m.content | trim }}>{% endfor %}", Map.of());
    assertThat(stripping.render(open, continued)).isEqualTo("<a><It is");
    ChatTemplate dropping = ChatTemplate.of("{{ messages[0].content }}", Map.of());
    assertThatIllegalArgumentException().isThrownBy(() -> dropping.render(open, continued));
  }

  @Test
  void messagesKeepWhatTheyAreGiven() {
    ChatMessage message = ChatMessage.assistant("a").with("tool_calls", null);
    assertThat(message.role()).isEqualTo("assistant");
    assertThat(message.content()).isEqualTo("a");
    assertThat(message.fields()).containsEntry("tool_calls", null);
    assertThat(ChatMessage.of(Map.of("role", "user", "content", List.of())).content()).isEmpty();
    assertThatIllegalArgumentException().isThrownBy(() -> ChatMessage.of(Map.of("content", "a")));
  }
}
