package housing

import (
	"errors"
	"strconv"
	"strings"
)

// Prices have at most ten digits before the point.
const maxPriceDigits = 10

var errPrice = errors.New(`want a decimal number such as "450000.00": at most ten digits, and one or two after a point`)

// ParsePrice reads a price in whole cents, strictly: digits without a sign, a leading zero, an exponent or spaces, and at most two
// after the point.
func ParsePrice(text string) (cents int64, err error) {
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole, 1, maxPriceDigits) || (len(whole) > 1 && whole[0] == '0') || (point && !digits(fraction, 1, 2)) {
		return 0, errPrice
	}
	fraction += "00"[len(fraction):]
	return strconv.ParseInt(whole+fraction, 10, 64)
}

// FormatPrice is the inverse of ParsePrice, with two digits after the point. Cents must not be negative.
func FormatPrice(cents int64) string {
	b := strconv.AppendInt(make([]byte, 0, 20), cents/100, 10)
	return string(append(b, '.', byte('0'+cents%100/10), byte('0'+cents%10)))
}

func digits(text string, least, most int) bool {
	if len(text) < least || len(text) > most {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
