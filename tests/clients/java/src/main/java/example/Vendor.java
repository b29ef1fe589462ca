// docs:begin sign-in
package example;

import java.util.Map;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.web.OAuth2LoginAuthenticationFilter;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class Vendor {

    @Bean
    SecurityFilterChain security(HttpSecurity http, @Value("${library.issuer}") String issuer) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers("/api/**").hasAuthority("SCOPE_library.ebooks")
                .anyRequest().authenticated())
            .oauth2Login(Customizer.withDefaults()) // state, PKCE, nonce; the ID token's signature, iss, aud, exp
            .oauth2ResourceServer(api -> api.jwt(Customizer.withDefaults()))
            .addFilterBefore((request, response, chain) -> {
                // RFC 9207: Spring leaves it to you that the answer is the library's
                var isCallback = ((HttpServletRequest) request).getServletPath().startsWith("/login/oauth2/code/");
                if (isCallback && !issuer.equals(request.getParameter("iss"))) {
                    ((HttpServletResponse) response).sendError(HttpServletResponse.SC_BAD_REQUEST);
                } else {
                    chain.doFilter(request, response);
                }
            }, OAuth2LoginAuthenticationFilter.class)
            .build();
    }

    /** Spring asks userinfo only for scopes that it knows, such as profile; without this bean it reads the ID token. */
    @Bean
    OidcUserService userinfo() {
        var userinfo = new OidcUserService();
        userinfo.setRetrieveUserInfo(request -> true);
        return userinfo;
    }

    @GetMapping("/")
    Map<String, Object> shelf(@AuthenticationPrincipal OidcUser reader) {
        // reader.getSubject() is the pseudonym: key your records on it
        return Map.of("reader", reader.getSubject(), "shelf", reader.getClaimAsString("audience_band"));
    }
    // docs:end

    // docs:begin api
    /** What your API believes: access tokens (RFC 9068) of this library, for you. Spring's default decoder refuses them. */
    @Bean
    JwtDecoder accessTokens(
            @Value("${library.issuer}") String issuer,
            @Value("${library.resource}") String resource,
            @Value("${library.client-id}") String clientId) {
        var decoder = NimbusJwtDecoder.withIssuerLocation(issuer).jwsAlgorithm(SignatureAlgorithm.ES256).build();
        decoder.setJwtValidator(
            JwtValidators.createAtJwtValidator().issuer(issuer).audience(resource).clientId(clientId).build());
        return decoder;
    }

    @GetMapping("/api/shelf")
    Map<String, Object> api(@AuthenticationPrincipal Jwt token) {
        return Map.of("sub", token.getSubject(), "scope", token.getClaimAsString("scope"));
    }
    // docs:end
}
