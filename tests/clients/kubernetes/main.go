// Command manifests reads a stream of Kubernetes manifests as strictly as an API server does, by Kubernetes' own types:
// a field that is unknown, written twice or of another type is an error. Prints the manifests as a JSON list. `manifests
// queries` reads a JSON list of PromQL expressions instead, and prints what each names.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	read := run
	if len(os.Args) > 1 && os.Args[1] == "queries" {
		read = queries
	}
	if err := read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(from io.Reader, to io.Writer) error {
	if err := gateway.Install(scheme.Scheme); err != nil {
		return err
	}
	if err := monitoring.AddToScheme(scheme.Scheme); err != nil {
		return err
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	manifests := []json.RawMessage{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(from))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return json.NewEncoder(to).Encode(manifests)
		}
		if err != nil {
			return err
		}
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return fmt.Errorf("%w in\n%s", err, document)
		}
		if string(text) == "null" {
			continue // nothing but comments
		}
		if _, _, err := decoder.Decode(text, nil, nil); err != nil {
			return fmt.Errorf("%w in\n%s", err, document)
		}
		manifests = append(manifests, text)
	}
}
