package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/prometheus/prometheus/promql/parser"
)

// query is what one expression of PromQL names.
type query struct {
	// Each metric that it selects, with the labels that it selects by.
	Metrics []selected `json:"metrics"`
	// Labels that it groups or matches by.
	Groups []string `json:"groups"`
}

type selected struct {
	Name   string   `json:"name"`
	Labels []string `json:"labels"`
}

// queries reads a JSON list of expressions by Prometheus's own parser; an expression that is none is an error.
func queries(from io.Reader, to io.Writer) error {
	var texts []string
	if err := json.NewDecoder(from).Decode(&texts); err != nil {
		return err
	}
	read := []query{}
	reader := parser.NewParser(parser.Options{})
	for _, text := range texts {
		expression, err := reader.ParseExpr(text)
		if err != nil {
			return fmt.Errorf("%w in\n%s", err, text)
		}
		one := query{Metrics: []selected{}, Groups: []string{}}
		parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
			switch node := node.(type) {
			case *parser.VectorSelector:
				labels := []string{}
				for _, matcher := range node.LabelMatchers {
					if matcher.Name != "__name__" {
						labels = append(labels, matcher.Name)
					}
				}
				one.Metrics = append(one.Metrics, selected{node.Name, labels})
			case *parser.AggregateExpr:
				one.Groups = append(one.Groups, node.Grouping...)
			case *parser.BinaryExpr:
				if node.VectorMatching != nil {
					one.Groups = append(one.Groups, node.VectorMatching.MatchingLabels...)
					one.Groups = append(one.Groups, node.VectorMatching.Include...)
				}
			}
			return nil
		})
		slices.Sort(one.Groups)
		one.Groups = slices.Compact(one.Groups)
		read = append(read, one)
	}
	return json.NewEncoder(to).Encode(read)
}
