package housing

// The vocabulary of the seed. Names hold letters beyond ASCII, and the prose quotes, dashes and ampersands, because real text does and
// JSON has to carry it. The lists are functions so that nothing can change them.

type place struct {
	city, state string
	zip         int
	lat, lon    float64
}

func places() []place {
	return []place{
		{"Portland", "OR", 972, 45.5152, -122.6784}, {"Madison", "WI", 537, 43.0731, -89.4012}, {"Savannah", "GA", 314, 32.0809, -81.0912},
		{"Boulder", "CO", 803, 40.0150, -105.2705}, {"Santa Fe", "NM", 875, 35.6870, -105.9378}, {"Duluth", "MN", 558, 46.7867, -92.1005},
		{"Ithaca", "NY", 148, 42.4440, -76.5019}, {"Eugene", "OR", 974, 44.0521, -123.0868}, {"Galena", "IL", 610, 42.4167, -90.4290},
		{"Taos", "NM", 875, 36.4072, -105.5731}, {"Astoria", "OR", 971, 46.1879, -123.8313}, {"Newport", "RI", 28, 41.4901, -71.3128},
		{"Beaufort", "SC", 299, 32.4316, -80.6698}, {"Ojai", "CA", 930, 34.4480, -119.2429}, {"Stowe", "VT", 56, 44.4654, -72.6874},
	}
}

func firstNames() []string {
	return []string{"Maria", "James", "Aisha", "Peter", "Chloé", "Daniel", "Ingrid", "Omar", "Grace", "Tomás", "Hannah", "Viktor", "Leila",
		"Samuel", "Nora", "Felix", "Priya", "Jonas", "Ruth", "Mateo"}
}

func lastNames() []string {
	return []string{"Keller", "Okafor", "Nguyen", "Brandt", "Moreau", "Silva", "Larsen", "Haddad", "Murphy", "Rossi", "Novak", "Jensen",
		"Patel", "Weber", "André", "Castro", "Fischer", "Kim", "Walsh", "Dubois"}
}

func streets() []string {
	return []string{"Main Street", "Oak Avenue", "Maple Lane", "River Road", "Hill Street", "Park Place", "Elm Street", "Lake Drive",
		"Mill Road", "Church Street", "Orchard Way", "Harbor View"}
}

func adjectives() []string {
	return []string{"Sunny", "Charming", "Quiet", "Spacious", "Restored", "Modern", "Bright", "Stately", "Cosy", "Elegant"}
}

// sentences may hold one %, for one of the features. Their number is a prime.
func sentences() []string {
	return []string{
		"The first thing you notice is the light: tall windows on three sides, and %.",
		"The kitchen was rebuilt from the studs in 2019 with solid oak cabinets and %.",
		"Neighbours call it \"the house with the garden\", and from the first warm day in March until the last apples in October you will see why.",
		"The heating, roof & gutters were replaced by the present owner, who kept every invoice.",
		"Upstairs, the main bedroom looks west over the trees and has %.",
		"Schools, a bakery and the farmers' market are within ten minutes on foot.",
		"The basement is dry, insulated and high enough to stand in; it holds the workshop, the laundry and %.",
		"Floors are original heart pine, sanded and oiled, and they do not creak – well, only the third step.",
		"A detached garage has room for two cars, or for one car and %.",
		"Commuters will like the express bus, which stops at the corner every twelve minutes.",
		"The bathroom was tiled by hand by somebody who took his time, and it has %.",
		"Behind the hedge you will find a vegetable plot, a plum tree, a café table for two and %.",
		"Taxes are low for the street, and the association asks for nothing but a tidy front lawn.",
		"In winter the stove in the living room heats the whole ground floor; in summer the cross breeze does the opposite.",
		"Solar panels on the south roof cover most of the yearly bill, and the meter runs backwards from April on.",
		"The study at the end of the hall has built-in shelves, a door that closes and %.",
		"Open house on Sunday from two to four: please take off your shoes, and ask to see %.",
		"The attic could become a fourth bedroom or a studio; the plans are drawn and the permit has been granted.",
		"All appliances stay, as do the curtains, the swing and %.",
	}
}

func features() []string {
	return []string{
		"a window seat deep enough to sleep in", "a pantry that the plans forgot to mention", "a claw-foot tub from 1911",
		"a view of the river when the leaves are down", "a reading nook under the stairs", "a fireplace that draws as it should",
		"wiring for an electric car", "a cedar closet the size of a small room", "a skylight that opens at the touch of a button",
		"a stained-glass transom", "a bench made of the old barn's beams", "a wine rack for two hundred bottles",
		"a balcony just wide enough for breakfast",
	}
}
