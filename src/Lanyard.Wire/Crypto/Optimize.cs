using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// How the innermost loops are compiled: optimized before their first call. At start-up a runtime that begins with unoptimized code would
/// spend tenths of a second on a node's first identities.
/// </summary>
internal static class Optimize
{
    /// <summary>AggressiveOptimization, which netstandard2.1 has no name for.</summary>
    public const MethodImplOptions AtOnce = (MethodImplOptions)512;
}
