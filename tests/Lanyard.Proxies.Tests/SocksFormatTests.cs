using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Proxies.Tests;

public sealed class SocksFormatTests
{
    [Fact]
    public void A_complete_greeting_is_read()
    {
        byte[] greeting = [5, 2, 0, 2, 99];
        for (var length = 0; length < 4; length++)
            Assert.Equal(ParseStep.NeedMore, SocksFormat.TryParseGreeting(greeting.AsSpan(0, length), out _, out _));
        Assert.Equal(ParseStep.Done, SocksFormat.TryParseGreeting(greeting, out var methods, out var used));
        Assert.Equal(4, used);
        Assert.True(methods.SequenceEqual(new byte[] { 0, 2 }));
        Assert.Equal(ParseStep.Malformed, SocksFormat.TryParseGreeting([4, 1], out _, out _));
        Assert.Equal(ParseStep.Malformed, SocksFormat.TryParseGreeting([5, 0], out _, out _));
    }

    [Fact]
    public void A_complete_user_and_password_are_read()
    {
        byte[] bytes = [1, 3, .. "joe"u8, 2, .. "pw"u8, 5];
        for (var length = 0; length < 8; length++)
            Assert.Equal(ParseStep.NeedMore, SocksFormat.TryParseCredentials(bytes.AsSpan(0, length), out _, out _, out _));
        Assert.Equal(ParseStep.Done, SocksFormat.TryParseCredentials(bytes, out var user, out var password, out var used));
        Assert.Equal("joe", Encoding.ASCII.GetString(user));
        Assert.Equal("pw", Encoding.ASCII.GetString(password));
        Assert.Equal(8, used);
    }

    [Theory]
    [InlineData("05010001 0a4d0002 0050", "10.77.0.2:80")]
    [InlineData("05010004 fd000000000000000000000000000001 01bb", "[fd00::1]:443")]
    [InlineData("05010004 00000000000000000000ffff0a4d0002 0050", "10.77.0.2:80")]
    [InlineData("05010003 04 686f7374 0050", "host:80")]
    public void A_complete_request_is_read(string hex, string expected)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(ParseStep.NeedMore, SocksFormat.TryParseRequest(bytes.AsSpan(0, length), out _, out _, out _));
        Assert.Equal(ParseStep.Done, SocksFormat.TryParseRequest([.. bytes, 1, 2, 3], out var command, out var destination, out var used));
        Assert.Equal(SocksCommand.Connect, command);
        Assert.Equal(expected, destination.ToString());
        Assert.Equal(bytes.Length, used);
    }

    [Theory]
    [InlineData("04010001 0a4d0002 0050")]
    [InlineData("05010101 0a4d0002 0050")]
    [InlineData("05010003 00 0050")]
    [InlineData("05010003 02 6120 0050")]
    public void An_invalid_request_is_refused(string hex)
    {
        var bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(ParseStep.Malformed, SocksFormat.TryParseRequest(bytes, out _, out _, out _));
    }

    [Theory]
    [InlineData("10.77.0.2:80")]
    [InlineData("[fd00::1]:443")]
    public void A_datagram_header_reads_back(string endpoint)
    {
        Span<byte> head = stackalloc byte[SocksFormat.MaxReplyBytes];
        var length = SocksFormat.WriteDatagram(head, InetEndpoint.Parse(endpoint));
        Assert.True(SocksFormat.TryParseDatagram(head[..length], out var fragment, out var destination, out var used));
        Assert.Equal((0, endpoint, length), (fragment, destination.ToString(), used));
        Assert.False(SocksFormat.TryParseDatagram(head[..(length - 1)], out _, out _, out _));
    }

    [Fact]
    public void Hostile_bytes_are_answered_by_no()
    {
        var random = new Random(11);
        var bytes = new byte[600];
        for (var i = 0; i < 200_000; i++)
        {
            var length = random.Next(bytes.Length);
            random.NextBytes(bytes.AsSpan(0, Math.Min(length, 24)));
            if (random.Next(3) > 0)
                bytes[0] = (byte)(random.Next(2) == 0 ? 5 : 1);
            if (random.Next(2) == 0)
                (bytes[2], bytes[3]) = (0, (byte)random.Next(1, 5));
            var input = bytes.AsSpan(0, length);
            if (SocksFormat.TryParseGreeting(input, out _, out var used) == ParseStep.Done)
                Assert.InRange(used, 3, length);
            if (SocksFormat.TryParseCredentials(input, out _, out _, out used) == ParseStep.Done)
                Assert.InRange(used, 3, length);
            if (SocksFormat.TryParseRequest(input, out _, out _, out used) == ParseStep.Done)
                Assert.InRange(used, 4, length);
            if (SocksFormat.TryParseDatagram(input, out _, out _, out used))
                Assert.InRange(used, 7, length);
        }
    }
}
