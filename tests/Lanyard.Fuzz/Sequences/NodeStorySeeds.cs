namespace Lanyard.Fuzz;

/// <summary>Short scenarios for each kind of step.</summary>
internal static class NodeStorySeeds
{
    private const int Steps = 21;

    public static IEnumerable<byte[]> Leaf() => Each(1).Concat(Verbs()).Concat(Extremes());

    public static IEnumerable<byte[]> Root() => Each(2).Concat(Verbs());

    public static IEnumerable<byte[]> Controller() => Each(3);

    // Each step from each peer, with bytes that a seed decides behind it, and time.
    private static IEnumerable<byte[]> Each(int seed)
    {
        var random = new Random(seed);
        for (var step = 0; step < Steps; step++)
        {
            for (var peer = 0; peer < 3; peer++)
            {
                var bytes = new byte[80];
                random.NextBytes(bytes);
                yield return [0, (byte)(peer << 5 | step), .. bytes, 0x1f, 12];
            }
        }
    }

    // Signed credentials of each kind whose times and numbers are as far out as they can be, a frame that asks for them, and housekeeping.
    private static IEnumerable<byte[]> Extremes()
    {
        for (byte kind = 0; kind < 6; kind++)
        {
            for (byte time = 0xb0; time < 0xb7; time++)
                yield return [0, 0x20 | 9, kind, time, 0xff, 0xff, 0xff, 0xff, 0x20 | 11, 0, 0x40, 0x40, 1, 0, 0, 0, 0, 0, 20, .. new byte[20], 1, 0, 0x1f, 16];
        }

        // Configurations whose time and window are.
        for (byte time = 0xb0; time < 0xb7; time++)
        {
            for (byte window = 0xb0; window < 0xb7; window++)
                yield return [0, 8, 7, time, 0, 2, 1, 0, 6, window, 0xff, 0xff, 0xff, 0xff, 0x20 | 9, 1, 0xb7, 0, 0, 0, 1, 0x1f, 16];
        }
    }

    // The recordings' payloads as an authentic peer sends them.
    private static IEnumerable<byte[]> Verbs() => Recorded.Payloads()
        .Where(packet => packet.Payload.Length < 1_500)
        .GroupBy(packet => (packet.Verb, packet.Payload.Length / 256))
        .Select(group => group.First())
        .Select(packet => new FuzzInputWriter().Add(0, 1, (byte)packet.Verb, 0).AddBytes(packet.Payload).Add(0, 0x1f, 10).ToArray());
}
