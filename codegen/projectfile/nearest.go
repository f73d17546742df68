// SPDX-License-Identifier: Apache-2.0

package projectfile

// Nearest returns the name that a mistyped one is most like, the first of equals; "" where
// none is within two letters.
func Nearest(typed string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		if d := distance(typed, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
