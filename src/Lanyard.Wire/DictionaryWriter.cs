using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Lanyard.Wire;

/// <summary>
/// Writes the protocol's key=value text (see <see cref="DictionaryReader"/>) in the order of the calls, up to a capacity. A pair that does
/// not fit is omitted and sets <see cref="Overflowed"/>.
/// </summary>
public sealed class DictionaryWriter
{
    private static readonly StandardFormat HexDigits = new('x', 16);

    private readonly int _capacity;
    private byte[] _text;
    private int _length;

    /// <summary>Creates an empty dictionary of at most <paramref name="capacity"/> bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is negative.</exception>
    public DictionaryWriter(int capacity = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        _capacity = capacity;
        _text = new byte[Math.Min(capacity, 512)];
    }

    /// <summary>Whether a pair did not fit.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>The text so far.</summary>
    public ReadOnlySpan<byte> Written => _text.AsSpan(0, _length);

    /// <summary>Adds a value of arbitrary bytes, escaped.</summary>
    /// <param name="key">The key: ASCII without '=' and line ends.</param>
    /// <param name="value">The value.</param>
    public void Add(string key, ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(key);
        var needed = (_length == 0 ? 0L : 1) + key.Length + 1;
        foreach (var b in value)
            needed += Escape(b) == 0 ? 1 : 2;
        if (_length + needed > _capacity)
        {
            Overflowed = true;
            return;
        }

        if (_length + needed > _text.Length)
            Array.Resize(ref _text, (int)Math.Min(_capacity, Math.Max(_length + needed, _text.Length * 2L)));
        if (_length > 0)
            _text[_length++] = (byte)'\n';
        _length += Encoding.ASCII.GetBytes(key, _text.AsSpan(_length));
        _text[_length++] = (byte)'=';
        foreach (var b in value)
        {
            var escape = Escape(b);
            if (escape != 0)
                _text[_length++] = (byte)'\\';
            _text[_length++] = escape != 0 ? escape : b;
        }
    }

    /// <summary>Adds a text as UTF-8.</summary>
    public void Add(string key, string value) => Add(key, Encoding.UTF8.GetBytes(value));

    /// <summary>Adds a number as sixteen hexadecimal digits.</summary>
    public void Add(string key, ulong value)
    {
        Span<byte> digits = stackalloc byte[16];
        Utf8Formatter.TryFormat(value, digits, out _, HexDigits);
        Add(key, digits);
    }

    /// <summary>Adds a number as sixteen hexadecimal digits, preceded by a minus if it is negative.</summary>
    public void Add(string key, long value)
    {
        Span<byte> text = stackalloc byte[17];
        text[0] = (byte)'-';
        Utf8Formatter.TryFormat(value < 0 ? 0 - (ulong)value : (ulong)value, text[1..], out _, HexDigits);
        Add(key, value < 0 ? text : text[1..]);
    }

    /// <summary>Adds a Boolean as '1' or '0'.</summary>
    public void Add(string key, bool value) => Add(key, value ? "1"u8 : "0"u8);

    /// <summary>Adds a node address as ten hexadecimal digits.</summary>
    public void Add(string key, NodeAddress value) => Add(key, value.ToString());

    /// <summary>Returns a copy of the text.</summary>
    public byte[] ToArray() => Written.ToArray();

    private static byte Escape(byte b) => b switch
    {
        0 => (byte)'0',
        (byte)'\r' => (byte)'r',
        (byte)'\n' => (byte)'n',
        (byte)'=' => (byte)'e',
        (byte)'\\' => (byte)'\\',
        _ => 0,
    };
}
