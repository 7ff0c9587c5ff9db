package hist

// HeatDecade is how many buckets of a heat map a factor of ten has; text.js of package page has it too.
const HeatDecade = 12

// HeatRow is how many times there are in the buckets of a heat map: the first bucket that has any, and then the numbers from there on.
type HeatRow []int64

// Add adds n times of a bucket. Buckets come in ascending order.
func (r *HeatRow) Add(bucket, n int64) {
	row := *r
	if row == nil {
		row = HeatRow{bucket}
	}
	for int64(len(row)) <= bucket-row[0]+1 {
		row = append(row, 0)
	}
	row[bucket-row[0]+1] += n
	*r = row
}
