using Lanyard.Engine.Packets;

namespace Lanyard.Engine.Tests;

public sealed class PacketIdTests
{
    [Fact]
    public void Ids_are_the_published_cipher_of_a_counter()
    {
        // The test vector of Speck64/128 in its authors' paper.
        var ids = new PacketIds((0x1b1a1918_13121110, 0x0b0a0908_03020100), 0x3b726574_7475432d);
        Assert.Equal(0x8c6fa548_454e028bUL, ids.Next());
    }

    [Fact]
    public void Vectors_and_single_words_give_the_same()
    {
        var random = new Random(5);
        for (var round = 0; round < 100; round++)
        {
            var keys = Enumerable.Range(0, 27).Select(_ => (uint)random.Next()).ToArray();
            var (x, y) = (Words(random), Words(random));
            var (x2, y2) = (x.ToArray(), y.ToArray());
            PacketIds.EncryptPortable(keys, x, y);
            PacketIds.EncryptVector(keys, x2, y2);
            Assert.Equal(x, x2);
            Assert.Equal(y, y2);
        }

        static uint[] Words(Random random) => [.. Enumerable.Range(0, PacketIds.Batch).Select(_ => (uint)random.NextInt64(1L << 32))];
    }

    [Fact]
    public void Ids_never_repeat_and_do_not_count()
    {
        var ids = new PacketIds((1, 2), ulong.MaxValue - 10);
        var seen = new HashSet<ulong>();
        var last = ids.Next();
        var near = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var id = ids.Next();
            Assert.True(seen.Add(id));
            near += (id >> 32) == (last >> 32) ? 1 : 0;
            last = id;
        }

        Assert.True(near < 3);
    }

    [Fact]
    public void Two_nodes_and_two_starts_count_differently()
    {
        var seeds = Enumerable.Range(0, 3).Select(i => new NodeSecrets(Enumerable.Repeat((byte)i, 32).ToArray())).ToArray();
        var firsts = seeds.Select(s => new PacketIds(s.PacketIdKey, s.FirstPacket).Next()).ToArray();
        Assert.Equal(3, firsts.Distinct().Count());
    }
}
