using Lanyard.Primitives;

namespace Lanyard.Wire.Tests;

public sealed class ByteReaderTests
{
    [Fact]
    public void Written_fields_read_back()
    {
        var buffer = new byte[128];
        var writer = new ByteWriter(buffer);
        writer.WriteByte(1);
        writer.WriteUInt16(0x0203);
        writer.WriteUInt32(0x04050607);
        writer.WriteUInt64(0x08090a0b0c0d0e0f);
        writer.WriteInt64(-2);
        writer.WriteNodeAddress(new NodeAddress(0x1122334455));
        writer.WriteNetworkId(new NetworkId(0x1122334455667788));
        writer.WriteMacAddress(new MacAddress(0x112233445566));
        writer.WriteEndpoint(InetEndpoint.Parse("10.0.0.1:9993"));
        writer.WriteEndpoint(InetEndpoint.Parse("[fd00::1]:65535"));
        writer.WriteEndpoint(default);
        writer.WritePrefix(InetPrefix.Parse("fd00::1/88"));
        writer.WriteZeros(2);
        writer.WriteBytes([9, 8, 7]);
        writer.PatchUInt16(1, 0x1213);
        Assert.False(writer.Failed);

        var reader = new ByteReader(writer.Written);
        Assert.Equal(1, reader.ReadByte());
        Assert.Equal(0x1213, reader.ReadUInt16());
        Assert.Equal(0x04050607u, reader.ReadUInt32());
        Assert.Equal(0x08090a0b0c0d0e0fu, reader.ReadUInt64());
        Assert.Equal(-2, reader.ReadInt64());
        Assert.Equal("1122334455", reader.ReadNodeAddress().ToString());
        Assert.Equal("1122334455667788", reader.ReadNetworkId().ToString());
        Assert.Equal("11:22:33:44:55:66", reader.ReadMacAddress().ToString());
        Assert.Equal("10.0.0.1:9993", reader.ReadEndpoint().ToString());
        Assert.Equal("[fd00::1]:65535", reader.ReadEndpoint().ToString());
        Assert.True(reader.ReadEndpoint().IsNone);
        Assert.Equal("fd00::1/88", reader.ReadPrefix().ToString());
        Assert.Equal(0, reader.ReadUInt16());
        Assert.True(reader.ReadRest().SequenceEqual(new byte[] { 9, 8, 7 }));
        Assert.True(reader.IsAtEnd);
        Assert.Equal(writer.Position, reader.Position);
    }

    [Fact]
    public void A_read_past_the_end_fails_and_stays_failed()
    {
        var reader = new ByteReader([1, 2, 3]);
        Assert.Equal(0u, reader.ReadUInt32());
        Assert.True(reader.Failed);
        Assert.Equal(0, reader.ReadByte());
        Assert.Equal(0, reader.Remaining);
        Assert.Equal(0, reader.Position);
        Assert.True(reader.ReadRest().IsEmpty);
        Assert.True(reader.Failed);
        Assert.False(reader.IsAtEnd);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData(4)]
    public void A_missing_length_fails(int count)
    {
        var reader = new ByteReader([1, 2, 3]);
        Assert.True(reader.ReadBytes(count).IsEmpty);
        Assert.True(reader.Failed);
    }

    [Theory]
    [InlineData("00", 1)]
    [InlineData("01aabbccddeeff", 7)]
    [InlineData("02aabbccddeeff", 7)]
    [InlineData("030003aabbcc", 6)]
    [InlineData("030000", 3)]
    public void Kinds_of_address_that_are_not_IP_are_passed_over(string hex, int length)
    {
        var reader = new ByteReader(Convert.FromHexString(hex + "55"));
        Assert.True(reader.ReadEndpoint().IsNone);
        Assert.False(reader.Failed);
        Assert.Equal(length, reader.Position);
    }

    [Theory]
    [InlineData("05aabbccdd0001")]
    [InlineData("ff")]
    [InlineData("030004aabbcc")]
    [InlineData("040a0000010")]
    [InlineData("04")]
    [InlineData("")]
    public void An_address_of_unknown_kind_or_cut_short_fails(string hex)
    {
        var reader = new ByteReader(Convert.FromHexString(hex.Length % 2 == 0 ? hex : hex[..^1]));
        Assert.True(reader.ReadEndpoint().IsNone);
        Assert.True(reader.Failed);
    }

    [Fact]
    public void A_prefix_longer_than_its_address_fails()
    {
        var reader = new ByteReader(Convert.FromHexString("040a0000010021"));
        Assert.Equal(default, reader.ReadPrefix());
        Assert.True(reader.Failed);
    }

    [Fact]
    public void A_field_that_does_not_fit_fails_and_writes_nothing()
    {
        Span<byte> buffer = stackalloc byte[6];
        buffer.Fill(0xee);
        var writer = new ByteWriter(buffer);
        writer.WriteUInt32(1);
        writer.WriteUInt32(2);
        writer.WriteByte(3);
        Assert.True(writer.Failed);
        Assert.Equal(4, writer.Position);
        Assert.Equal(0, writer.Remaining);
        Assert.True(buffer.SequenceEqual(new byte[] { 0, 0, 0, 1, 0xee, 0xee }));
    }
}
