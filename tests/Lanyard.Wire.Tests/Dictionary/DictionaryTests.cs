using System.Text;

namespace Lanyard.Wire.Tests;

public sealed class DictionaryTests
{
    [Theory]
    [InlineData("häuser = ⌂", "häuser = ⌂")]
    [InlineData("\u001b[2J\r\n\t\u0007", "\ufffd[2J\ufffd\ufffd\ufffd\ufffd")]
    [InlineData("\u0085\u009b", "\ufffd\ufffd")]
    [InlineData("\u202egnp.exe\u2066\u200f\u2028", "\ufffdgnp.exe\ufffd\ufffd\ufffd")]
    public void Text_contains_no_control_characters(string written, string read)
    {
        var writer = new DictionaryWriter();
        writer.Add("n", written);
        Assert.Equal(read, new DictionaryReader(writer.Written).GetText("n"));
    }

    [Fact]
    public void Written_fields_read_back()
    {
        var binary = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        var writer = new DictionaryWriter();
        writer.Add("n", "a=b\\\nc\r");
        writer.Add("u", 0xfedcba9876543210);
        writer.Add("i", -0x12L);
        writer.Add("j", 0x12L);
        writer.Add("t", true);
        writer.Add("f", false);
        writer.Add("a", new NodeAddress(0x1122334455));
        writer.Add("B", binary);
        writer.Add("empty", "");
        var reader = new DictionaryReader(writer.Written);
        Assert.True(reader.TryGetBytes("n", out var text));
        Assert.Equal("a=b\\\nc\r"u8.ToArray(), text);
        Assert.Equal(0xfedcba9876543210, reader.GetNumber("u"));
        Assert.Equal(-0x12, reader.GetSignedNumber("i"));
        Assert.Equal(0x12, reader.GetSignedNumber("j"));
        Assert.True(reader.GetBoolean("t"));
        Assert.False(reader.GetBoolean("f", missing: true));
        Assert.Equal(0x1122334455u, reader.GetNumber("a"));
        Assert.True(reader.TryGetBytes("B", out var bytes));
        Assert.Equal(binary, bytes);
        Assert.True(reader.Contains("empty"));
        Assert.Equal("", reader.GetText("empty"));
        Assert.False(reader.Contains("B\0"));
        Assert.False(reader.Contains("none"));
    }

    [Fact]
    public void Values_are_written_in_the_protocols_form()
    {
        var writer = new DictionaryWriter();
        writer.Add("k", (ReadOnlySpan<byte>)[0, 13, 10, (byte)'=', (byte)'\\', (byte)'x']);
        writer.Add("v", 7UL);
        writer.Add("m", -7L);
        writer.Add("b", true);
        Assert.Equal("k=\\0\\r\\n\\e\\\\x\nv=0000000000000007\nm=-0000000000000007\nb=1", Encoding.ASCII.GetString(writer.Written));
    }

    [Theory]
    [InlineData("a=1\r\nb=2", "b", "2")]
    [InlineData("aa=1\na=2", "a", "2")]
    [InlineData("a=1\na=2", "a", "1")]
    [InlineData("a=1=2", "a", "1=2")]
    [InlineData("a=1\\", "a", "1")]
    [InlineData("a=\\q", "a", "q")]
    [InlineData("ab=1\0\na=2", "ab", "1")]
    [InlineData("\n\n\na=2", "a", "2")]
    public void The_texts_of_lenient_writers_are_read(string text, string key, string value) =>
        Assert.Equal(value, new DictionaryReader(Encoding.ASCII.GetBytes(text)).GetText(key));

    [Theory]
    [InlineData("a=1\0\nb=2", "b")]
    [InlineData("a", "a")]
    [InlineData("", "a")]
    [InlineData("=1", "a")]
    public void A_key_that_is_not_there_is_not_found(string text, string key) =>
        Assert.False(new DictionaryReader(Encoding.ASCII.GetBytes(text)).Contains(key));

    [Theory]
    [InlineData("a=00000000000000000000ff", 0xff)]
    [InlineData("a=ffzz", 0xff)]
    [InlineData("a=FF", 0xff)]
    [InlineData("a=zz", 0)]
    [InlineData("a=", 99)]
    [InlineData("b=1", 99)]
    public void Numbers_are_hexadecimal_digits_as_far_as_they_go(string text, ulong value) =>
        Assert.Equal(value, new DictionaryReader(Encoding.ASCII.GetBytes(text)).GetNumber("a", missing: 99));

    [Fact]
    public void A_pair_that_does_not_fit_is_left_out_whole()
    {
        var writer = new DictionaryWriter(capacity: 9);
        writer.Add("a", "12");
        writer.Add("b", "=");
        Assert.False(writer.Overflowed);
        Assert.Equal("a=12\nb=\\e"u8.ToArray(), writer.ToArray());
        writer.Add("c", "");
        Assert.True(writer.Overflowed);
        Assert.Equal(9, writer.Written.Length);
    }

    [Fact]
    public void A_buffer_of_the_callers_bounds_a_value()
    {
        Span<byte> buffer = stackalloc byte[2];
        Assert.True(new DictionaryReader("a=1\\n"u8).TryGetBytes("a", buffer, out var value));
        Assert.True(value.SequenceEqual("1\n"u8));
        Assert.False(new DictionaryReader("a=123"u8).TryGetBytes("a", buffer, out _));
    }

    [Theory]
    [InlineData("61626364", 3, "abc")]
    [InlineData("61c3a4", 3, "aä")]
    [InlineData("61c3a4", 2, "a")]
    [InlineData("ffffff", 3, "\ufffd")]
    [InlineData("61ffff", 100, "a\ufffd\ufffd")]
    [InlineData("f09f9880", 3, "\ufffd")]
    [InlineData("fff09f9880", 5, "\ufffd")]
    [InlineData("fff09f9880ff", 6, "\ufffd")]
    public void Text_is_cut_to_a_length_in_bytes_that_it_keeps(string hex, int limit, string expected)
    {
        var writer = new DictionaryWriter();
        writer.Add("a", TestData.Hex(hex));
        var text = new DictionaryReader(writer.Written).GetText("a", limit);
        Assert.Equal(expected, text);
        Assert.True(Encoding.UTF8.GetByteCount(text) <= limit);
    }

    [Fact]
    public void Hostile_texts_are_read_without_an_exception()
    {
        var writer = new DictionaryWriter();
        writer.Add("v", 7UL);
        writer.Add("nwid", "a=b\\\n");
        writer.Add("C", TestData.RandomBytes(1, 60));
        foreach (var input in Fuzz.Around(3, writer.ToArray(), 20_000))
        {
            var reader = new DictionaryReader(input);
            reader.GetNumber("v");
            reader.GetSignedNumber("v");
            reader.GetText("nwid");
            reader.GetBoolean("C");
            if (reader.TryGetBytes("C", out var value))
                Assert.True(value.Length <= input.Length);
        }
    }
}
