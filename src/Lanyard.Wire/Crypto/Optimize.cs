using System.Runtime.CompilerServices;

namespace Lanyard.Wire.Crypto;

/// <summary>
/// The compilation of the innermost loops: optimized before their first call. Otherwise, a runtime that starts with unoptimized code would
/// spend tenths of a second on a node's first identities.
/// </summary>
internal static class Optimize
{
    /// <summary>AggressiveOptimization, which netstandard2.1 does not define.</summary>
    public const MethodImplOptions AtOnce = (MethodImplOptions)512;
}
