using System.Buffers.Binary;

namespace Lanyard.Fuzz;

/// <summary>Takes decisions and bytes from an input. After its end, it returns zeros, so that every input is a complete scenario.</summary>
internal ref struct FuzzInput(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether nothing is left.</summary>
    public readonly bool IsEmpty => _rest.IsEmpty;

    /// <summary>Takes one byte.</summary>
    public byte Byte()
    {
        if (_rest.IsEmpty)
            return 0;
        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    /// <summary>Takes a number below a limit.</summary>
    public int Below(int limit) => limit <= 256 ? Byte() % limit : UInt16() % limit;

    /// <summary>Takes a yes or no.</summary>
    public bool Bool() => (Byte() & 1) != 0;

    /// <summary>Takes a 16-bit number.</summary>
    public ushort UInt16() => (ushort)((Byte() << 8) | Byte());

    /// <summary>Takes a 32-bit number.</summary>
    public uint UInt32() => ((uint)UInt16() << 16) | UInt16();

    /// <summary>Takes a 64-bit number.</summary>
    public ulong UInt64() => ((ulong)UInt32() << 32) | UInt32();

    /// <summary>Takes a time near another one, or one of the extremes of its type.</summary>
    public long Time(long now) => Byte() switch
    {
        < 0x80 => now + (sbyte)Byte() * 1_000L,
        < 0xa0 => now + BinaryPrimitives.ReverseEndianness(UInt32()) - int.MaxValue,
        < 0xb0 => (long)UInt64(),
        0xb0 => long.MinValue,
        0xb1 => long.MaxValue,
        0xb2 => long.MinValue + 1,
        0xb3 => -1,
        0xb4 => 0,
        0xb5 => long.MaxValue - now,
        0xb6 => long.MinValue + now,
        _ => now,
    };

    /// <summary>Takes a length of two bytes, at most a limit, and so many bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int limit)
    {
        var length = Math.Min(Math.Min((int)UInt16(), limit), _rest.Length);
        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    /// <summary>Takes all that is left.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        var taken = _rest;
        _rest = default;
        return taken;
    }
}

/// <summary>Writes inputs that <see cref="FuzzInput"/> reads.</summary>
internal sealed class FuzzInputWriter
{
    private readonly List<byte> _bytes = [];

    /// <summary>Adds bytes as they are.</summary>
    public FuzzInputWriter Add(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>Adds bytes with their length in front.</summary>
    public FuzzInputWriter AddBytes(ReadOnlySpan<byte> bytes)
    {
        Add((byte)(bytes.Length >> 8), (byte)bytes.Length);
        return Add(bytes);
    }

    /// <summary>What was written.</summary>
    public byte[] ToArray() => [.. _bytes];
}
