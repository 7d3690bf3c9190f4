using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Lanyard.Wire;

/// <summary>Creates an <see cref="EquatableArray{T}"/> from a collection expression.</summary>
public static class EquatableArray
{
    /// <summary>Creates an array with a copy of the given items.</summary>
    public static EquatableArray<T> Create<T>(ReadOnlySpan<T> items) where T : IEquatable<T> => new(items.IsEmpty ? null : items.ToArray());

    /// <summary>Creates an array of the given items.</summary>
    public static EquatableArray<T> ToEquatableArray<T>(this IEnumerable<T> items) where T : IEquatable<T> => Create<T>(items.ToArray());
}

/// <summary>An immutable array with value equality, so that records that contain it also have value equality. <see langword="default"/> is empty.</summary>
/// <typeparam name="T">The type of the items.</typeparam>
[CollectionBuilder(typeof(EquatableArray), nameof(EquatableArray.Create))]
[SuppressMessage("Naming", "CA1710", Justification = "The type is used like an array and costs as much.")]
public readonly struct EquatableArray<T> : IEquatable<EquatableArray<T>>, IReadOnlyList<T>
    where T : IEquatable<T>
{
    private readonly T[]? _items;

    internal EquatableArray(T[]? items) => _items = items;

    /// <summary>The number of items.</summary>
    public int Count => _items?.Length ?? 0;

    /// <summary>Whether the array is empty.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>The items in place.</summary>
    public ReadOnlySpan<T> Span => _items;

    /// <summary>The item at <paramref name="index"/>.</summary>
    /// <exception cref="IndexOutOfRangeException">The index is out of range.</exception>
    public ref readonly T this[int index] => ref Span[index];

    T IReadOnlyList<T>.this[int index] => Span[index];

    /// <summary>The items in place.</summary>
    public static implicit operator ReadOnlySpan<T>(EquatableArray<T> array) => array.Span;

    /// <inheritdoc/>
    public bool Equals(EquatableArray<T> other) => ReferenceEquals(_items, other._items) || Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EquatableArray<T> other && Equals(other);

    /// <summary>A hash of the number of items and of the first and last eight of them.</summary>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Count);
        for (var i = 0; i < Math.Min(Count, 8); i++)
        {
            hash.Add(_items![i]);
            hash.Add(_items[^(i + 1)]);
        }

        return hash.ToHashCode();
    }

    /// <summary>The first sixteen items.</summary>
    public override string ToString() => $"[{string.Join(", ", this.Take(16))}{(Count > 16 ? ", ..." : "")}]";

    /// <summary>Returns an enumerator that does not allocate.</summary>
    public ReadOnlySpan<T>.Enumerator GetEnumerator() => Span.GetEnumerator();

    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)(_items ?? [])).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => (_items ?? []).GetEnumerator();

    /// <summary>Whether the items are equal.</summary>
    public static bool operator ==(EquatableArray<T> left, EquatableArray<T> right) => left.Equals(right);

    /// <summary>Whether the items differ.</summary>
    public static bool operator !=(EquatableArray<T> left, EquatableArray<T> right) => !left.Equals(right);
}
