package upstream;

import java.util.Map;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;

/**
 * A school's sign-in by Spring Authorization Server with its own pages: one client, two pupils whose names there are
 * their usernames on the roster. When it is ready it prints its issuer.
 */
@SpringBootApplication
public class Upstream {
    public static void main(String[] args) {
        var answers = System.out;
        System.setOut(System.err);
        var client = "spring.security.oauth2.authorizationserver.client.library.";
        Map<String, Object> settings = Map.of(
            "server.address", "127.0.0.1",
            "server.port", "0",
            "spring.main.banner-mode", "off",
            "logging.level.root", "warn",
            client + "registration.client-id", System.getenv("UPSTREAM_CLIENT_ID"),
            client + "registration.client-secret", "{noop}" + System.getenv("UPSTREAM_CLIENT_SECRET"),
            client + "registration.client-authentication-methods", "client_secret_basic",
            client + "registration.authorization-grant-types", "authorization_code",
            client + "registration.redirect-uris", System.getenv("UPSTREAM_REDIRECT_URI"),
            client + "registration.scopes", "openid,profile");
        var more = Map.<String, Object>of(client + "require-proof-key", "true");
        var server = (ServletWebServerApplicationContext) new SpringApplicationBuilder(Upstream.class)
            .properties(settings).properties(more).run();
        answers.println("http://127.0.0.1:" + server.getWebServer().getPort());
        answers.flush();
    }

    @Bean
    InMemoryUserDetailsManager people() {
        var first = User.withUsername("pupil1").password("{noop}birch-leaf").roles("PUPIL").build();
        var second = User.withUsername("pupil2").password("{noop}willow-leaf").roles("PUPIL").build();
        return new InMemoryUserDetailsManager(first, second);
    }
}
