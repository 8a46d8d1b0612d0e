namespace XapiCompat.Store;
