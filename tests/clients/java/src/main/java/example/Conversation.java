package example;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Plays the browser at the vendor's own door, told what to do over lines of JSON; tests/actors/stock.rs says what they
 * mean. The vendor believes to be behind a proxy, at the host of LIBRARY_REDIRECT_URI.
 */
@RestController
public class Conversation {
    static final JsonMapper JSON = new JsonMapper();
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static final URI OUTSIDE = URI.create(System.getenv("LIBRARY_REDIRECT_URI"));
    static int port;
    static String cookie = "";

    public static void main(String[] args) throws Exception {
        var answers = System.out;
        System.setOut(System.err);
        var vendor = (ServletWebServerApplicationContext) SpringApplication.run(
            Vendor.class, "--spring.main.banner-mode=off", "--logging.level.root=warn");
        port = vendor.getWebServer().getPort();
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            Object said;
            try {
                said = answer(JSON.readTree(line));
            } catch (Exception error) {
                said = Map.of("error", error.toString());
            }
            answers.println(JSON.writeValueAsString(said));
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    static Object answer(JsonNode wish) throws Exception {
        if (wish.has("begin")) {
            cookie = "";
            return Map.of("authorize", locationOf(get("/oauth2/authorization/library", null)));
        }
        if (wish.has("callback")) {
            var callback = URI.create(wish.get("callback").asString());
            var home = locationOf(get(callback.getRawPath() + "?" + callback.getRawQuery(), null));
            if (home.contains("error")) {
                throw new IllegalStateException("sent to " + home);
            }
            var reader = body(get("/", null)).get("reader");
            var all = body(get("/everything", null));
            if (!reader.equals(all.get("claims").get("sub"))) {
                throw new IllegalStateException("the page speaks of somebody else");
            }
            return all;
        }
        return Map.of("claims", body(get("/api/shelf", wish.get("verify").asString())));
    }

    static HttpResponse<String> get(String path, String bearer) throws Exception {
        var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .header("X-Forwarded-Proto", OUTSIDE.getScheme())
            .header("X-Forwarded-Host", OUTSIDE.getHost());
        if (bearer != null) {
            request.header("Authorization", "Bearer " + bearer);
        } else if (!cookie.isEmpty()) {
            request.header("Cookie", cookie);
        }
        var answer = HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (bearer == null) {
            answer.headers().firstValue("Set-Cookie").ifPresent(line -> cookie = line.split(";", 2)[0]);
        }
        return answer;
    }

    static String locationOf(HttpResponse<String> answer) {
        return answer.headers().firstValue("Location").orElseThrow(() -> refusal(answer));
    }

    static JsonNode body(HttpResponse<String> answer) {
        if (answer.statusCode() != 200) {
            throw refusal(answer);
        }
        return JSON.readTree(answer.body());
    }

    static IllegalStateException refusal(HttpResponse<String> answer) {
        var why = answer.headers().firstValue("WWW-Authenticate").orElse(answer.body());
        return new IllegalStateException(answer.statusCode() + " " + why);
    }

    @GetMapping("/everything")
    Map<String, Object> everything(
            @AuthenticationPrincipal OidcUser reader,
            @RegisteredOAuth2AuthorizedClient("library") OAuth2AuthorizedClient grant) {
        var all = new LinkedHashMap<String, Object>();
        all.put("claims", reader.getIdToken().getClaims());
        all.put("userinfo", reader.getUserInfo().getClaims());
        all.put("scope", String.join(" ", grant.getAccessToken().getScopes()));
        all.put("token_type", grant.getAccessToken().getTokenType().getValue());
        all.put("access_token", grant.getAccessToken().getTokenValue());
        all.put("id_token", reader.getIdToken().getTokenValue());
        return all;
    }
}
