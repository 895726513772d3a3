package io.github.lora4j.io.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the hub can be asked about one repository. */
final class HubClient {

  private static final Logger LOG = LoggerFactory.getLogger(ModelHub.class);
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int LARGEST_LISTING = 1 << 26;
  private static final int MOST_REVISIONS = 20;

  private static final String COMMIT = "X-Repo-Commit";
  private static final String LINKED_ETAG = "X-Linked-Etag";
  private static final String LINKED_SIZE = "X-Linked-Size";

  private final HubHttp http;
  private final RepoId repo;
  private final Revision revision;
  private final Tuning.Retry retry;
  private final Refusals refusals;

  HubClient(HubHttp http, RepoId repo, Revision revision, Tuning.Retry retry) {
    this.http = http;
    this.repo = repo;
    this.revision = revision;
    this.retry = retry;
    this.refusals =
        new Refusals(repo, revision, http.endpoint(), http.token(), this::knownRevisions);
  }

  /**
   * The commit that the revision stands for, and its files.
   *
   * @param patient whether to try again where the hub doesn't answer
   */
  Listing list(boolean patient) throws InterruptedException, HubFailure {
    URI address = Endpoint.listing(http.endpoint(), repo, revision.name());
    Tuning.Retry once =
        new Tuning.Retry(
            patient ? retry.attempts() : 1, retry.first(), retry.longest(), retry.sleep());
    byte[] json =
        new Attempts("the list of files of %s at %s".formatted(repo, http.endpoint()), once)
            .run(
                () -> {
                  HttpResponse<Body> response = http.get(address);
                  try (Body body = response.body()) {
                    refusals.check(response, "its list of files");
                    return body.read(LARGEST_LISTING)
                        .orElseThrow(() -> notAHub("a list of files of more than 64 MB"));
                  }
                });
    try {
      return listing(JSON.readTree(json));
    } catch (JsonProcessingException e) {
      throw notAHub("something else than JSON for the list of files");
    } catch (IOException e) {
      throw new IllegalStateException("read from memory", e);
    }
  }

  private Listing listing(JsonNode json) throws HubFailure {
    String commit = json.path("sha").asText();
    if (!Revision.isCommit(commit)) {
      throw notAHub("a list of files without a commit");
    }
    if (revision.isCommit() && !commit.equals(revision.name())) {
      throw notAHub("the files of commit %s instead".formatted(commit));
    }
    Set<String> files = new HashSet<>();
    for (JsonNode file : json.path("siblings")) {
      String name = file.path("rfilename").asText();
      if (FileNames.safe(name)) {
        files.add(name);
      } else {
        LOG.debug("{} lists {}, which is no proper name; ignored", repo, ServerText.quoted(name));
      }
    }
    return new Listing(commit, files);
  }

  /** Content and size of a file. */
  RemoteFile describe(String commit, String name) throws InterruptedException, HubFailure {
    URI address = Endpoint.file(http.endpoint(), repo, commit, name);
    HttpHeaders headers =
        new Attempts(repo + "/" + name, retry)
            .run(
                () -> {
                  HttpResponse<Body> response = http.head(address, HubClient::isWhole);
                  try (Body body = response.body()) {
                    refusals.check(response, name);
                    return response.headers();
                  }
                });
    if (!headers.firstValue(COMMIT).orElse("").equals(commit)) {
      throw notAHub(
          "commit %s for %s instead of %s"
              .formatted(quoted(headers.firstValue(COMMIT)), name, commit));
    }
    Optional<String> etag = headers.firstValue(LINKED_ETAG).or(() -> headers.firstValue("ETag"));
    return new RemoteFile(
        name,
        etag.flatMap(Etag::parse)
            .orElseThrow(() -> notAHub("the ETag %s for %s".formatted(quoted(etag), name))),
        size(headers).orElseThrow(() -> notAHub("no size for " + name)));
  }

  /**
   * Whether a redirect tells all about the file it leads to; then it leads to a large file's store.
   */
  private static boolean isWhole(HttpHeaders headers) {
    return headers.firstValue(COMMIT).isPresent() && headers.firstValue(LINKED_ETAG).isPresent();
  }

  private static OptionalLong size(HttpHeaders headers) {
    Optional<String> size =
        headers.firstValue(LINKED_SIZE).or(() -> headers.firstValue("Content-Length"));
    return size.filter(text -> text.matches("\\d{1,18}")).stream()
        .mapToLong(Long::parseLong)
        .findAny();
  }

  /** Opens a file's content from a position on; the caller looks at the status and closes it. */
  HttpResponse<Body> open(String commit, String name, long from)
      throws IOException, InterruptedException, HubFailure {
    HttpResponse<Body> response =
        http.get(Endpoint.file(http.endpoint(), repo, commit, name), from);
    if (response.statusCode() != 416) { // not a refusal but a wrong position
      try {
        refusals.check(response, name);
      } catch (IOException | HubFailure e) {
        response.body().close();
        throw e;
      }
    }
    return response;
  }

  /** Branches and tags, for a message; nothing where the hub doesn't tell. */
  private List<String> knownRevisions() {
    List<String> names = new ArrayList<>();
    try {
      HttpResponse<Body> response = http.get(Endpoint.refs(http.endpoint(), repo));
      try (Body body = response.body()) {
        JsonNode json = JSON.readTree(body.read(LARGEST_LISTING).orElse(new byte[0]));
        json.path("branches").forEach(branch -> names.add(branch.path("name").asText()));
        json.path("tags").forEach(tag -> names.add(tag.path("name").asText()));
      }
    } catch (IOException | HubFailure e) {
      LOG.debug("branches and tags of {} are not to be had", repo, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return names.stream().map(ServerText::of).limit(MOST_REVISIONS).toList();
  }

  private static String quoted(Optional<String> header) {
    return header.map(ServerText::quoted).orElse("nothing");
  }

  private HubFailure notAHub(String found) {
    return HubFailure.noAnswer(
        "%s at %s: the server gave %s. It may be no Hugging Face hub, or a proxy stands before it;"
                .formatted(repo, http.endpoint(), found)
            + " check HF_ENDPOINT and the proxy",
        null);
  }
}
