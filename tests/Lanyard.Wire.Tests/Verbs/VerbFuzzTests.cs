using Lanyard.Dissector;
using Lanyard.Wire.Packets;
using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests.Verbs;

/// <summary>No input makes a parser throw: truncated, changed and spliced recordings, and random bytes, for every verb and answer.</summary>
public sealed class VerbFuzzTests
{
    private static readonly Verb[] Verbs = [.. Enumerable.Range(0, 32).Select(verb => (Verb)verb)];
    private static readonly KeyRing NoKeys = new();

    [Fact]
    public void Every_recorded_payload_may_be_cut_anywhere()
    {
        foreach (var (verb, payload) in DistinctPayloads())
        {
            for (var length = 0; length < Math.Min(payload.Length, 400); length++)
                Consume(verb, payload.AsSpan(0, length));
        }
    }

    [Fact]
    public void Recorded_payloads_may_be_changed_anywhere()
    {
        var random = new Random(1);
        var payloads = DistinctPayloads();
        for (var round = 0; round < 60_000; round++)
        {
            var (verb, payload) = payloads[random.Next(payloads.Count)];
            var changed = payload.AsSpan(0, random.Next(3) == 0 ? random.Next(payload.Length + 1) : payload.Length).ToArray();
            for (var i = 1 + random.Next(4); i > 0 && changed.Length > 0; i--)
            {
                // Lengths and counts stand early; extremes find more than noise.
                var at = random.Next(2) == 0 ? random.Next(Math.Min(changed.Length, 32)) : random.Next(changed.Length);
                changed[at] = random.Next(4) switch { 0 => 0, 1 => 0xff, 2 => (byte)(changed[at] + 1), _ => (byte)random.Next(256) };
            }

            Consume(random.Next(10) == 0 ? Verbs[random.Next(Verbs.Length)] : verb, changed);
        }
    }

    [Fact]
    public void Noise_is_no_message_that_throws()
    {
        var random = new Random(2);
        var noise = new byte[256];
        for (var round = 0; round < 60_000; round++)
        {
            var length = random.Next(noise.Length);
            random.NextBytes(noise.AsSpan(0, length));
            if (random.Next(2) == 0)
                noise.AsSpan(random.Next(length + 1)).Clear();
            Consume(Verbs[round % Verbs.Length], noise.AsSpan(0, length));
        }
    }

    [Fact]
    public void Changed_packets_are_neither_opened_nor_do_they_throw()
    {
        var random = new Random(3);
        var keys = Recording.KeysOf("peer-1.14");
        var packets = Recording.Packets("peer-1.14", "a").ToList();
        for (var round = 0; round < 5_000; round++)
        {
            var entry = packets[random.Next(packets.Count)];
            var bytes = entry.Bytes.ToArray();
            var at = random.Next(bytes.Length);
            var bit = (byte)(1 << random.Next(8));
            bytes[at] ^= bit;
            Datagram.Classify(bytes);

            // The hops may change; the addresses choose the key, which is not looked up anew here.
            if (at == 18 && bit < 8)
                continue;
            Assert.False(keys.KeyOf(entry.Source, entry.Destination)!.TryDearmor(bytes));
        }
    }

    // Parses, walks every list, writes back, and says it in words.
    private static void Consume(Verb verb, ReadOnlySpan<byte> payload)
    {
        VerbRewriter.Rewrite(verb, payload);
        Assert.NotNull(PayloadDescriber.Describe(verb, payload, NoKeys).ToString());
    }

    private static List<(Verb Verb, byte[] Payload)> DistinctPayloads() =>
    [
        .. TestData.Recordings.SelectMany(recording => TestData.Nodes.SelectMany(node => Recording.Packets(recording, node)))
            .Select(packet => (packet.Verb, Payload: packet.Payload.ToArray()))
            .GroupBy(packet => (packet.Verb, packet.Payload.Length, First: packet.Payload.FirstOrDefault()))
            .Select(group => group.First()),
    ];
}
