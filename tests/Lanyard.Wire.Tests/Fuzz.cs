namespace Lanyard.Wire.Tests;

/// <summary>Seeded hostile inputs for parsers.</summary>
internal static class Fuzz
{
    /// <summary>
    /// Inputs made of a good one: each of its beginnings, the same with bytes changed, removed, put in or set to extremes, and random bytes.
    /// </summary>
    /// <param name="seed">Decides all of them.</param>
    /// <param name="good">An input that parses.</param>
    /// <param name="count">How many changed and random inputs there are, beside the beginnings.</param>
    public static IEnumerable<byte[]> Around(int seed, byte[] good, int count)
    {
        var random = new Random(seed);
        var step = Math.Max(1, good.Length / 500);
        for (var length = 0; length < good.Length; length += step)
            yield return good[..length];
        for (var i = 0; i < count; i++)
            yield return i % 8 == 7 ? RandomBytes(random, random.Next(2 * good.Length)) : Mutate(random, good);
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>One changed input.</summary>
    public static byte[] Mutate(Random random, byte[] good)
    {
        var bytes = good.ToList();
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[at] = (byte)(random.Next(2) * 255);
                    break;
                case 3:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(9, bytes.Count - at + 1)));
                    break;
                case 4:
                    bytes.InsertRange(at, RandomBytes(random, random.Next(1, 300)));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 64), bytes.Count - at)));
                    break;
            }
        }

        return [.. bytes];
    }
}
