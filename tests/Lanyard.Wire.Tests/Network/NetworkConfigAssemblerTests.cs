using Lanyard.Wire.Verbs;

namespace Lanyard.Wire.Tests;

public sealed class NetworkConfigAssemblerTests
{
    private static readonly Identity Controller = TestData.SecretIdentity("peer-1.14", "r");
    private static readonly Identity Stranger = TestData.SecretIdentity("peer-1.14", "b");
    private static readonly NetworkId Network = NetworkId.Create(Controller.Address, 0xbeef);
    private static readonly byte[] Text = TestData.RandomBytes(1, 5000);

    [Theory]
    [InlineData(1000)]
    [InlineData(1499)]
    [InlineData(4999)]
    [InlineData(5000)]
    public void Parts_join_in_any_order(int chunkLength)
    {
        var parts = Split(1, chunkLength: chunkLength);
        foreach (var order in new[] { parts, parts.Reverse().ToList(), parts.Skip(1).Append(parts[0]).ToList() })
        {
            var assembler = new NetworkConfigAssembler(Network);
            foreach (var part in order.SkipLast(1))
                Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, part, out _));
            Assert.Equal(NetworkConfigChunkResult.Complete, Add(assembler, order[^1], out var text));
            Assert.Equal(Text, text);
        }
    }

    [Fact]
    public void A_part_that_comes_twice_counts_once()
    {
        var assembler = new NetworkConfigAssembler(Network);
        var parts = Split(1);
        Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, parts[0], out _));
        Assert.Equal(NetworkConfigChunkResult.Duplicate, Add(assembler, parts[0], out _));
        foreach (var part in parts.Skip(1))
            Add(assembler, part, out _);
        Assert.All(parts, part => Assert.Equal(NetworkConfigChunkResult.Duplicate, Add(assembler, part, out _)));
    }

    [Fact]
    public void Three_editions_are_assembled_at_a_time_and_the_least_recent_is_dropped()
    {
        var assembler = new NetworkConfigAssembler(Network);
        var editions = Enumerable.Range(1, 4).Select(id => Split((ulong)id, chunkLength: 2500)).ToList();
        foreach (var edition in editions)
            Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, edition[0], out _));
        Assert.Equal(NetworkConfigChunkResult.Complete, Add(assembler, editions[1][1], out _));
        Assert.Equal(NetworkConfigChunkResult.Complete, Add(assembler, editions[2][1], out _));
        Assert.Equal(NetworkConfigChunkResult.Complete, Add(assembler, editions[3][1], out _));
        Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, editions[0][1], out _));
    }

    [Fact]
    public void A_part_that_the_controller_did_not_sign_is_refused_and_takes_no_room()
    {
        var assembler = new NetworkConfigAssembler(Network);
        var parts = Split(1);
        foreach (var part in parts.SkipLast(1))
            Add(assembler, part, out _);
        for (var id = 2; id < 10; id++)
        {
            var forged = NetworkConfigSplitter.Split(Network, Text, (ulong)id, Stranger, chunkLength: 1000)[0];
            Assert.Equal(NetworkConfigChunkResult.NotFromController, Add(assembler, forged, out _));
        }

        for (var bit = 0; bit < 8; bit++)
        {
            var changed = parts[^1].ToArray();
            changed[20] ^= (byte)(1 << bit);
            Assert.Equal(NetworkConfigChunkResult.NotFromController, Add(assembler, changed, out _));
        }

        Assert.Equal(NetworkConfigChunkResult.Complete, Add(assembler, parts[^1], out var text));
        Assert.Equal(Text, text);
    }

    [Fact]
    public void A_configuration_of_another_network_is_refused()
    {
        var assembler = new NetworkConfigAssembler(new NetworkId(Network.Value + 1));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Split(1)[0], out _));
        var ofStranger = new NetworkConfigAssembler(NetworkId.Create(Stranger.Address, 1));
        var part = NetworkConfigSplitter.Split(NetworkId.Create(Stranger.Address, 1), Text, 1, Controller)[0];
        Assert.Equal(NetworkConfigChunkResult.NotFromController, Add(ofStranger, part, out _));
    }

    [Fact]
    public void An_unsigned_configuration_counts_only_from_the_controller_itself()
    {
        var writer = new ByteWriter(new byte[100]);
        writer.WriteNetworkId(Network);
        writer.WriteUInt16(3);
        writer.WriteBytes("a=b"u8);
        Assert.True(NetworkConfigMessage.TryParse(writer.Written, out var message));
        var assembler = new NetworkConfigAssembler(Network);
        Assert.Equal(NetworkConfigChunkResult.NotFromController, assembler.Add(message, Stranger.Address, Controller, out _));
        Assert.Equal(NetworkConfigChunkResult.Complete, assembler.Add(message, Controller.Address, Controller, out var text));
        Assert.Equal("a=b"u8.ToArray(), text);
    }

    [Fact]
    public void Signed_parts_that_contradict_each_other_are_refused()
    {
        var assembler = new NetworkConfigAssembler(Network);
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(0, 0, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, 4995, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, uint.MaxValue, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, 0, 0, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.TooLarge, Add(assembler, Part(1, 0, 10, NetworkLimits.ConfigLength + 1), out _));
        Assert.Equal(NetworkConfigChunkResult.TooLarge, Add(assembler, Part(1, 0, 10, uint.MaxValue), out _));
        Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, Part(1, 100, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, 50, 10, 4000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, 105, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, Part(1, 100, 10, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.Malformed, Add(assembler, Part(1, 95, 10, 5000), out _));
    }

    [Fact]
    public void A_configuration_in_too_many_parts_is_given_up()
    {
        var assembler = new NetworkConfigAssembler(Network);
        for (var i = 0; i < NetworkConfigAssembler.MaxChunks; i++)
            Assert.Equal(NetworkConfigChunkResult.Accepted, Add(assembler, Part(1, (uint)i, 1, 5000), out _));
        Assert.Equal(NetworkConfigChunkResult.TooLarge, Add(assembler, Part(1, 4000, 1, 5000), out _));
    }

    [Fact]
    public void Splitting_rejects_invalid_arguments()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Split(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split(1, chunkLength: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Split(1, chunkLength: NetworkConfigSplitter.MaxChunkLength + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => NetworkConfigSplitter.Split(Network, new byte[NetworkLimits.ConfigLength + 1], 1, Controller));
        Assert.Throws<InvalidOperationException>(() => NetworkConfigSplitter.Split(Network, Text, 1, Controller.WithoutSecret()));
    }

    [Fact]
    public void Hostile_parts_are_refused_without_an_exception()
    {
        var assembler = new NetworkConfigAssembler(Network);
        var part = Split(1)[1];
        foreach (var input in Fuzz.Around(9, part, 3_000))
        {
            if (NetworkConfigMessage.TryParse(input, out var message))
                Assert.NotEqual(NetworkConfigChunkResult.Complete, assembler.Add(message, Stranger.Address, Controller, out _));
        }
    }

    private static IReadOnlyList<byte[]> Split(ulong updateId, int chunkLength = 1000) => NetworkConfigSplitter.Split(Network, Text, updateId, Controller, chunkLength: chunkLength);

    // A part as only a controller with bad intentions would sign it.
    private static byte[] Part(ulong updateId, uint index, int length, uint totalLength)
    {
        var writer = new ByteWriter(new byte[length + NetworkConfigMessage.OverheadBytes]);
        var message = new NetworkConfigMessage { NetworkId = Network, Chunk = Text.AsSpan(0, length), UpdateId = updateId, TotalLength = totalLength, ChunkIndex = index };
        message.WriteSigned(ref writer);
        NetworkConfigMessage.WriteSignature(ref writer, Controller.Sign(writer.Written));
        return writer.Written.ToArray();
    }

    private static NetworkConfigChunkResult Add(NetworkConfigAssembler assembler, byte[] payload, out byte[]? text)
    {
        Assert.True(NetworkConfigMessage.TryParse(payload, out var message));
        return assembler.Add(message, Stranger.Address, Controller, out text);
    }
}
