namespace Lanyard.Primitives;

/// <summary>Hashes that only the holder of a key can predict: they choose slots in tables of fixed size, so that nobody can aim at a slot.</summary>
public static class KeyedHash
{
    private const ulong Odd = 0x9e37_79b9_7f4a_7c15;

    /// <summary>Hashes an address to 32 bits.</summary>
    /// <param name="address">The address.</param>
    /// <param name="key">The key.</param>
    public static uint Of(InetAddress address, ulong key) =>
        Of(address.V6High ^ ((ulong)address.Family << 56), address.IsV4 ? address.V4 : address.V6Low, key);

    /// <summary>Hashes two numbers to 32 bits.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="second">The second number.</param>
    /// <param name="key">The key.</param>
    public static uint Of(ulong first, ulong second, ulong key)
    {
        var hash = (first ^ key) * Odd;
        hash ^= hash >> 32;
        hash = (hash ^ second) * (key | 1);
        hash ^= hash >> 29;
        return (uint)((hash * Odd) >> 32);
    }
}
