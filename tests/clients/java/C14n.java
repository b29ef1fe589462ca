// Exclusive canonicalization by the JDK (Apache Santuario), for comparison: `java C14n.java`.
//
// Reads lines {"xml", "id", "prefixes"}, answers each with a line {"c14n"}: the element whose ID is `id`, as a signature
// that refers to it and is enveloped in the document digests it.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.ExcC14NParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

public class C14n {
    static final XMLSignatureFactory SIGNATURES = XMLSignatureFactory.getInstance("DOM");

    public static void main(String[] arguments) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        var out = new PrintStream(System.out, true, "UTF-8");
        for (String line; (line = lines.readLine()) != null; ) {
            List<String> prefixes = new ArrayList<>();
            List<String> strings = strings(line, prefixes);
            String xml = strings.get(strings.indexOf("xml") + 1);
            String id = strings.get(strings.indexOf("id") + 1);
            out.println("{\"c14n\":" + quoted(canonical(xml, id, prefixes)) + "}");
        }
    }

    static String canonical(String xml, String id, List<String> prefixes) throws Exception {
        var parsers = DocumentBuilderFactory.newInstance();
        parsers.setNamespaceAware(true);
        Document document = parsers.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
        NodeList all = document.getElementsByTagName("*");
        for (int at = 0; at < all.getLength(); at++) {
            Element element = (Element) all.item(at);
            if (element.getAttribute("ID").equals(id)) element.setIdAttribute("ID", true);
        }
        var list = prefixes.isEmpty() ? null : new ExcC14NParameterSpec(prefixes);
        Reference reference = SIGNATURES.newReference(
            "#" + id,
            SIGNATURES.newDigestMethod(DigestMethod.SHA256, null),
            List.of(
                SIGNATURES.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
                SIGNATURES.newTransform(CanonicalizationMethod.EXCLUSIVE, (TransformParameterSpec) list)),
            null,
            null);
        var method = SIGNATURES.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null);
        var hmac = SIGNATURES.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", null);
        var info = SIGNATURES.newSignedInfo(method, hmac, List.of(reference));
        var context = new DOMSignContext(new SecretKeySpec(new byte[32], "HMAC"), document.getDocumentElement());
        context.setProperty("javax.xml.crypto.dsig.cacheReference", true);
        SIGNATURES.newXMLSignature(info, null).sign(context);
        return new String(reference.getDigestInputStream().readAllBytes(), "UTF-8");
    }

    /** All strings of a JSON text, in their order; those of its one list apart. */
    static List<String> strings(String json, List<String> listed) {
        List<String> found = new ArrayList<>();
        boolean inList = false;
        StringBuilder text = null;
        for (int at = 0; at < json.length(); at++) {
            char c = json.charAt(at);
            if (c == '"') {
                if (text != null) (inList ? listed : found).add(text.toString());
                text = text == null ? new StringBuilder() : null;
            } else if (text != null && c == '\\') {
                c = json.charAt(++at);
                switch (c) {
                    case 'n' -> text.append('\n');
                    case 'r' -> text.append('\r');
                    case 't' -> text.append('\t');
                    case 'b' -> text.append('\b');
                    case 'f' -> text.append('\f');
                    case 'u' -> {
                        text.append((char) Integer.parseInt(json.substring(at + 1, at + 5), 16));
                        at += 4;
                    }
                    default -> text.append(c);
                }
            } else if (text != null) {
                text.append(c);
            } else if (c == '[' || c == ']') {
                inList = c == '[';
            }
        }
        return found;
    }

    static String quoted(String text) {
        var json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < ' ') json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }
}
